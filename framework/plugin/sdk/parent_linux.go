package sdk

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func dup2(from, to int) error { return unix.Dup3(from, to, 0) }

// dieWithParent ends this process when the host dies, whatever killed it: by
// the kernel's parent-death signal, and, because that is bound to the host's
// thread, by watching the parent's id as well.
func dieWithParent() {
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0)
	watchParent()
}

func watchParent() {
	parent := os.Getppid()
	go func() {
		for range time.Tick(500 * time.Millisecond) {
			if os.Getppid() != parent {
				_ = syscall.Kill(0, syscall.SIGKILL) // the whole process group: helpers of ours too
				os.Exit(3)
			}
		}
	}()
}
