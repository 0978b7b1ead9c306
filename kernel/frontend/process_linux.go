package frontend

import (
	"os/exec"
	"syscall"
)

// private gives a worker a process group of its own, so that signals to the kernel's
// group do not reach it, and ends it with the front-end.
func private(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }
