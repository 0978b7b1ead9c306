package bench

import (
	"os"
	"runtime/debug"
)

// peakMemory is the most memory that this process has held at once since it
// began or since resetPeak, in bytes (VmHWM of /proc/self/status).
func peakMemory() int64 {
	for _, l := range procLines("/proc/self/status") {
		if l[0] == "VmHWM" {
			return kibibytes(l[1])
		}
	}
	return 0
}

// resetPeak gives garbage back to the system and begins a new peak from what is
// held now (proc(5), clear_refs); where the system refuses, the old one stays.
func resetPeak() {
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
