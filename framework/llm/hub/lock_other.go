//go:build !linux && !darwin

package hub

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// lock makes a file that only one process can make and removes it afterwards.
// A process that is killed leaves it: remove it by hand.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	path += ".exclusive"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o664)
		if err == nil {
			return func() { f.Close(); os.Remove(path) }, nil
		}
		if !os.IsExist(err) {
			return nil, err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func freeSpace(string) (n int64, ok bool) { return 0, false }

func isReadOnly(err error) bool { return os.IsPermission(err) }

func isFull(error) bool { return false }
