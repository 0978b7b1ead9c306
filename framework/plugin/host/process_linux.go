package host

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// processGroup puts the plugin in a group of its own and lets the kernel send it
// SIGTERM when the thread that started it ends, which it does with the host. It
// is not SIGKILL, so that the SDK can end the processes that the plugin started.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

func maxRSS(ru *syscall.Rusage) int64 { return ru.Maxrss << 10 } // KiB on Linux

// usage reads resident bytes and CPU seconds of a live process.
func usage(pid int) (rss int64, cpu float64) {
	if pid == 0 {
		return 0, 0
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err == nil {
		if f := strings.Fields(string(raw)); len(f) > 1 {
			pages, _ := strconv.ParseInt(f[1], 10, 64)
			rss = pages * int64(os.Getpagesize())
		}
	}
	raw, err = os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		if at := bytes.LastIndexByte(raw, ')'); at > 0 {
			if f := strings.Fields(string(raw[at+1:])); len(f) > 13 {
				user, _ := strconv.ParseFloat(f[11], 64)
				system, _ := strconv.ParseFloat(f[12], 64)
				cpu = (user + system) / 100 // USER_HZ
			}
		}
	}
	return rss, cpu
}
