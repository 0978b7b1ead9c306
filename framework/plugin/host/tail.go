package host

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"sync"
)

const (
	tailBytes = 8 << 10
	logMost   = 64 << 20 // bytes of one launch's log that are passed on
)

// tail keeps the last lines of a log and passes it on until it has passed on
// left bytes: a plugin that prints without end does not fill the disk.
type tail struct {
	mu    sync.Mutex
	w     io.Writer
	left  int // bytes that are still passed on; below 0: it was said that the rest is not
	buf   []byte
	noted string // the first line that speaks of a want of memory or files
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.noted == "" {
		t.noted = cmp.Or(ofSpace.in(p), ofFiles.in(p))
	}
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	t.pass(p)
	return len(p), nil
}

func (t *tail) pass(p []byte) {
	if t.w == nil || t.left < 0 {
		return
	}
	whole := len(p) <= t.left
	if !whole {
		p = p[:t.left]
	}
	_, _ = t.w.Write(p)
	t.left -= len(p)
	if !whole {
		fmt.Fprintf(t.w, "\n[the log is longer than %d MiB: the rest was dropped, but for its last lines, which the run's row keeps]\n", logMost>>20)
		t.left = -1
	}
}

// complaint is the first line that speaks of a want of memory or files: a stack
// dump after it may have pushed it out of the tail.
func (t *tail) complaint() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.noted
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}
