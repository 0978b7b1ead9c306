package host

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	goplugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"

	"github.com/tunelab/tunelab/framework/spec"
)

// processGroup puts the plugin in a group of its own and lets the kernel send it
// SIGTERM when the thread that started it ends, which it does with the host. It
// is not SIGKILL, so that the SDK can end the processes that the plugin started.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// limit sets the limits of a process that was just started. Its hard limit of
// CPU time lies a second above the soft one, which sends SIGXCPU.
func limit(pid int, l spec.Limits) error {
	for _, k := range []struct {
		resource int
		soft     int64
		hard     int64
		field    string
	}{
		{unix.RLIMIT_AS, l.AddressSpaceBytes, l.AddressSpaceBytes, limitSpace},
		{unix.RLIMIT_CPU, l.CPUSeconds, l.CPUSeconds + 1, limitCPU},
		{unix.RLIMIT_NOFILE, l.OpenFiles, l.OpenFiles, limitFiles},
	} {
		if k.soft <= 0 {
			continue
		}
		var now unix.Rlimit
		err := unix.Prlimit(pid, k.resource, nil, &now)
		if err == nil { // a limit of our own that is lower still counts
			err = unix.Prlimit(pid, k.resource, &unix.Rlimit{Cur: min(uint64(k.soft), now.Max), Max: min(uint64(k.hard), now.Max)}, nil)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended already, which its caller will see
			return fmt.Errorf("set the plugin's limit budget.limits.%s: %w", k.field, err)
		}
	}
	return nil
}

// endOrphans ends the processes whose environment names the socket folder of a
// host that is dead: its plugin, and what that started, in whatever group.
func endOrphans(socket string) {
	mark := []byte("\x00" + goplugin.EnvUnixSocketDir + "=" + socket + "/")
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		raw, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(append([]byte{0}, raw...), mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
}

func maxRSS(ru *syscall.Rusage) int64 { return ru.Maxrss << 10 } // KiB on Linux
