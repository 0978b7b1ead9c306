//go:build unix

package history

import (
	"os"
	"syscall"
)

// lock keeps other kernels from beginning a session at the same moment.
func lock(f *os.File) (unlock func(), err error) {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	return func() { syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }, nil
}
