package host

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/plugin/living"
)

// socketPrefix is short: a socket's path has 108 bytes at most.
const socketPrefix = "tl"

// socketDir makes the folder that a plugin puts its socket in.
func socketDir() (dir string, mark *living.Marker, err error) {
	if dir, mark, err = living.MakeTemp(socketPrefix); err != nil {
		return "", nil, fmt.Errorf("socket folder: %w", err)
	}
	return dir, mark, nil
}

// SocketDirs lists the socket folders of this machine's hosts, live and dead.
func SocketDirs() []string { return living.TempDirs(socketPrefix) }

// SweepSockets removes the socket folders of hosts that were killed and returns
// them. What a plugin of theirs started and nobody was left to end is ended
// first (on Linux), as when host and plugin were killed together. Folders of
// live hosts, and folders that no host made, stay.
func SweepSockets() []string { return living.SweepTemp(socketPrefix, endOrphans) }
