package lab

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

// Close waits for calls that run, may be repeated, and leaves errors behind.
func TestModelClose(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	m, err := Models{}.Open(t.Context(), dir, "", 2)
	if err != nil {
		t.Fatal(err)
	}
	in := []Line{{IDs: []int{3, 4, 5}}}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 20 {
				if _, err := m.Score(in, nil); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	if _, err := m.Generate(t.Context(), in, GenerateOptions{MaxNewTokens: 2}); err != nil {
		t.Error(err)
	}
	m.Close()
	m.Close()
	wait.Wait()
	if _, err := m.Score(in, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("score: %v", err)
	}
	if _, err := m.Generate(t.Context(), in, GenerateOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("generate: %v", err)
	}
}

// Models that were opened and closed leave no threads and no open files, also
// where opening failed.
func TestModelsLeaveNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("threads and files are counted on Linux only")
	}
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		for _, of := range []string{"/proc/self/task", "/proc/self/fd"} {
			list, err := os.ReadDir(of)
			if err != nil {
				t.Fatal(err)
			}
			n += len(list)
		}
		return n
	}
	open := func() {
		m, err := Models{}.Open(t.Context(), dir, "", 8)
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		if _, err := (Models{}).Open(t.Context(), dir, t.TempDir(), 8); err == nil {
			t.Fatal("an empty folder is no adapter")
		}
	}
	open()
	runtime.GC()
	before := count()
	for range 20 {
		open()
	}
	if after := count(); after > before+8 { // one leak of threads a round would be 140
		t.Errorf("%d threads and files before, %d after", before, after)
	}
}
