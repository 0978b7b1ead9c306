//go:build unix && !linux

package sdk

import (
	"os"
	"syscall"
	"time"
)

func dup2(from, to int) error { return syscall.Dup2(from, to) }

// dieWithParent ends this process when the host dies, by watching the
// parent's id.
func dieWithParent() {
	parent := os.Getppid()
	go func() {
		for range time.Tick(500 * time.Millisecond) {
			if os.Getppid() != parent {
				_ = syscall.Kill(0, syscall.SIGKILL)
				os.Exit(3)
			}
		}
	}()
}
