//go:build unix && !linux

package host

import (
	"errors"
	"syscall"

	"github.com/tunelab/tunelab/framework/spec"
)

func processGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func maxRSS(ru *syscall.Rusage) int64 { return int64(ru.Maxrss) } // bytes on macOS

// meter reads nothing of live processes here; their total is known at their end.
type meter struct{}

func (*meter) read(int, int64) (memory int64, cpu float64) { return 0, 0 }

// endOrphans does nothing: another process's environment is not to be read.
func endOrphans(string) {}

// limit refuses what it cannot do: the limits of another process can be set on
// Linux only.
func limit(_ int, l spec.Limits) error {
	if l != (spec.Limits{}) {
		return errors.New("budget.limits work on Linux only; leave them out here (max_wall_seconds works everywhere)")
	}
	return nil
}
