//go:build unix && !linux

package bench

import (
	"runtime/debug"
	"syscall"
)

// peakMemory is the most memory that this process has held at once, in bytes.
func peakMemory() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Maxrss) // bytes on macOS
}

// resetPeak gives garbage back to the system; the peak cannot begin anew here.
func resetPeak() { debug.FreeOSMemory() }
