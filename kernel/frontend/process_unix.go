//go:build unix && !linux

package frontend

import (
	"os/exec"
	"syscall"
)

// private gives a worker a process group of its own; it ends with the front-end
// because its pipe of requests does.
func private(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }
