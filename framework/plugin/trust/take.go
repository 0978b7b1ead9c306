package trust

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// takeIn is how long TakeLock waits for another process, which holds a lock file
// for as long as it takes to write it.
const takeIn = 30 * time.Second

// TakeLock reads a lock file in order to change it: until Release, no other
// process that takes it gets it, so that two installs at once lose no entry of
// each other. What holds it is a lock (flock) on its folder, since Write puts a
// new file in the place of the old one; on a file system without such locks
// nothing does.
func TakeLock(path string) (*Lock, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("take the lock file: %w", err)
	}
	for end := time.Now().Add(takeIn); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			if time.Now().Before(end) {
				continue
			}
			dir.Close()
			return nil, fmt.Errorf("lock file %s: another tunelab has held it for %v: end that, or try again", path, takeIn)
		}
		break
	}
	l, err := ReadLock(path)
	if err != nil {
		dir.Close()
		return nil, err
	}
	l.held = dir
	return l, nil
}

// Release lets other processes take the lock file; of one that was only read it
// does nothing.
func (l *Lock) Release() {
	if l.held != nil {
		l.held.Close()
		l.held = nil
	}
}
