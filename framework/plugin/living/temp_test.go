package living

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestSweepTemp(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dir, m, err := MakeTemp("ask-")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := MakeTemp("other-")
	if err != nil {
		t.Fatal(err)
	}
	mkdir := func(name string, age time.Duration) {
		t.Helper()
		path := filepath.Join(temp, name)
		at := time.Now().Add(-age)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	mkdir("ask-of-somebody-else", time.Hour)
	mkdir(making+"now", 0)
	mkdir(making+"killed", time.Hour) // its maker never came to mark it
	var seen []string
	note := func(dir string) { seen = append(seen, dir) }
	if swept := SweepTemp("ask-", note); len(swept) > 0 || len(seen) > 0 {
		t.Errorf("swept %v, whose maker lives", swept)
	}
	m.Release()
	other.Release()
	if swept := SweepTemp("ask-", note); !slices.Equal(swept, []string{dir}) || !slices.Equal(seen, swept) {
		t.Errorf("swept %v after %v, expected %s", swept, seen, dir)
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range left {
		names = append(names, e.Name()[:min(len(e.Name()), 18)])
	}
	if want := []string{"ask-of-somebody-el", "other-", making + "now"}; len(names) != 3 || names[0] != want[0] || names[1][:6] != want[1] || names[2] != want[2] {
		t.Errorf("left %v, expected %v", names, want)
	}
	if _, _, err := MakeTemp("no/"); err == nil {
		t.Error("a folder in a folder that is none")
	}
	if again, _ := os.ReadDir(temp); len(again) != len(left) {
		t.Errorf("a failed MakeTemp leaves %v", again)
	}
}

// What others put into the temporary folder neither makes a sweep wait nor is
// touched by it.
func TestSweepTempPassesOverWhatOthersMade(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	released := filepath.Join(t.TempDir(), "mark")
	m, err := Mark(released)
	if err != nil {
		t.Fatal(err)
	}
	m.Release()
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, tempMark), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	makes := map[string]func(dir string) error{
		"fifo":    func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, tempMark), 0o666) },
		"link":    func(dir string) error { return os.Symlink(released, filepath.Join(dir, tempMark)) },
		"unnamed": func(dir string) error { return os.Rename(dir, filepath.Join(temp, making+"x")) },
		"folder":  func(dir string) error { return errors.Join(os.Remove(dir), os.Symlink(elsewhere, dir)) },
	}
	for name, put := range makes {
		dir := filepath.Join(temp, "ask-"+name)
		if err := errors.Join(os.Mkdir(dir, 0o755), put(dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(temp, making+"x", tempMark), 0o666); err != nil {
		t.Fatal(err)
	}
	done := make(chan []string)
	go func() { done <- SweepTemp("ask-", nil) }()
	select {
	case swept := <-done:
		if len(swept) > 0 {
			t.Errorf("swept %v", swept)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the sweep waits for a writer of a FIFO")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != len(makes) {
		t.Errorf("left %v, %v", left, err)
	}
	if os.Getuid() != 0 {
		return // only root can give a folder to another user
	}
	theirs, m, err := MakeTemp("ask-")
	if err != nil {
		t.Fatal(err)
	}
	m.Release()
	if err := os.Chown(theirs, 1, 1); err != nil {
		t.Fatal(err)
	}
	if swept := SweepTemp("ask-", nil); len(swept) > 0 {
		t.Errorf("swept %v of another user", swept)
	}
}
