package testplugins

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Deadline bounds what a test awaits: far above what it takes.
const Deadline = 30 * time.Second

// Lifeline tells when a plugin and all that it started have ended: each holds
// the writing end of a FIFO.
type Lifeline struct{ f *os.File }

// NewLifeline makes the FIFO "lifeline" in a run's work folder, where the
// counter plugin looks for it.
func NewLifeline(t testing.TB, workDir string) *Lifeline {
	t.Helper()
	path := filepath.Join(workDir, "lifeline")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &Lifeline{f}
}

// Ended waits until nobody holds the other end. It may be called only after
// somebody did.
func (l *Lifeline) Ended(t testing.TB) {
	t.Helper()
	if err := l.f.SetReadDeadline(time.Now().Add(Deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.f.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a process that the plugin started, or the plugin itself, still lives: %v", err)
	}
}

// Holds reports whether somebody holds the other end now.
func (l *Lifeline) Holds(t testing.TB) bool {
	t.Helper()
	if err := l.f.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := l.f.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}
