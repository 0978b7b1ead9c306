package host

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/plugin/living"
)

// markName is the file in a socket folder that its host keeps locked.
const markName = "tunelab-host"

// socketDir makes the folder that a plugin puts its socket in.
func socketDir() (dir string, mark *living.Marker, err error) {
	dir, err = os.MkdirTemp("", "tl") // short: a socket's path has 108 bytes at most
	if err != nil {
		return "", nil, fmt.Errorf("make a socket folder: %w", err)
	}
	if mark, err = living.Mark(filepath.Join(dir, markName)); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, mark, nil
}

// SocketDirs lists the socket folders of this machine's hosts, live and dead.
func SocketDirs() []string {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), "tl*", markName))
	for i, f := range found {
		found[i] = filepath.Dir(f)
	}
	return found
}

// SweepSockets removes the socket folders of hosts that were killed and returns
// them. Folders of live hosts, and folders that no host made, stay.
func SweepSockets() []string {
	var swept []string
	for _, dir := range SocketDirs() {
		if living.Dead(filepath.Join(dir, markName)) && os.RemoveAll(dir) == nil {
			swept = append(swept, dir)
		}
	}
	return swept
}
