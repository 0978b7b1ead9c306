package living

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Marker is a lock file that shows that its maker lives.
type Marker struct{ f *os.File }

// Mark makes the lock file path, which stays locked until Release or the end
// of this process. The folder must exist.
func Mark(path string) (*Marker, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".mark-*")
	if err != nil {
		return nil, fmt.Errorf("mark %s as in use: %w", path, err)
	}
	// It gets its name only once it is locked, so that nobody finds it without.
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, fmt.Errorf("mark %s as in use: %w", path, err)
	}
	return &Marker{f}, nil
}

// Release drops the lock; the file stays. A nil Marker is fine.
func (m *Marker) Release() {
	if m != nil {
		m.f.Close()
	}
}

// Dead reports whether path was made by Mark and its maker has ended or
// released it. It is false when there is no such file, it is none that Mark
// makes (anybody may put a FIFO or a link in its place), or that cannot be told,
// as on a file system without locks.
func Dead(path string) bool {
	// Only a regular file is opened; what takes its place then still cannot
	// make the open wait, or lead elsewhere.
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err == nil
		}
	}
}
