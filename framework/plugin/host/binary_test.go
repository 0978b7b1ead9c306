package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
)

// A file that changes all the time between the plugin that was checked and
// another program: what is started is the plugin, or nothing.
func TestWhatWasHashedIsStarted(t *testing.T) {
	ownTemp(t)
	good := testplugins.Path(plugins, testplugins.Counter)
	sum, err := FileSum(good)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ran, evil, path := filepath.Join(dir, "ran"), filepath.Join(dir, "evil"), testplugins.Path(dir, testplugins.Counter)
	if err := os.WriteFile(evil, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	turn := func(to string) error {
		return errors.Join(os.Symlink(to, path+".next"), os.Rename(path+".next", path))
	}
	if err := turn(good); err != nil {
		t.Fatal(err)
	}
	end, ended := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			select {
			case <-end:
				ended <- nil
				return
			case <-time.After(time.Millisecond):
				err = turn([]string{good, evil}[i%2])
			}
		}
		ended <- err
	}()
	started := 0
	for n := 0; n < 200 && started < 10; n++ {
		c, err := Launch(t.Context(), path, LaunchOptions{SHA256: sum})
		var refused *RefusedError
		switch {
		case err == nil:
			started++
			c.Close()
		case !errors.As(err, &refused):
			t.Errorf("neither started nor refused: %v", err)
		}
	}
	close(end)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the other program was run")
	}
	if started == 0 {
		t.Error("the plugin was never started")
	}
}

// The copy lies where nobody else comes in, and is gone with the plugin.
func TestCopyIsPrivate(t *testing.T) {
	temp := ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	for dir := filepath.Dir(c.cmd.Path); dir != temp; dir = filepath.Dir(dir) {
		if info, err := os.Lstat(dir); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Fatalf("%s: %v %v", dir, info, err)
		}
	}
	if sum, err := FileSum(c.cmd.Path); err != nil || sum != c.SHA256 {
		t.Errorf("the copy has the sum %s, %v", sum, err)
	}
	c.Close()
	if _, err := os.Stat(c.cmd.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy stays: %v", err)
	}
}

func TestNoFileToCopy(t *testing.T) {
	ownTemp(t)
	fifo := filepath.Join(t.TempDir(), "tunelab-plugin-pipe")
	if err := syscall.Mkfifo(fifo, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Launch(t.Context(), fifo, LaunchOptions{}); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a FIFO: %v", err)
	}
	if _, err := Launch(t.Context(), t.TempDir(), LaunchOptions{}); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
}
