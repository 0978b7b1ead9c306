package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// old writes a file of an hour ago, of the F32 tensor a, which is larger than one
// read, and the BF16 tensor b.
func old(t *testing.T) (path string, a []float32) {
	t.Helper()
	path = filepath.Join(t.TempDir(), WeightsFile)
	a = make([]float32, widenBytes/4+3)
	for i := range a {
		a[i] = float32(i)
	}
	err := WriteSafetensors(path, []Tensor{{Name: "a", Shape: []int{len(a)}, Data: a}, {Name: "b", DType: "BF16", Shape: []int{2}, Data: []float32{1, -2}}}, nil)
	if err == nil {
		err = os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, a
}

// inPlace writes to a file at an offset.
func inPlace(t *testing.T, path string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(b, at)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A file that is written to between its opening and the first use of a tensor is
// an error that names it, however it is read; one that is replaced or removed
// gives what it held.
func TestWrittenToWhileOpen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, path string)
		fine   bool
	}{
		"untouched":        {func(*testing.T, string) {}, true},
		"rewritten":        {func(t *testing.T, path string) { inPlace(t, path, 300, []byte{1, 2, 3, 4}) }, false},
		"truncated":        {func(t *testing.T, path string) { check(t, os.Truncate(path, 200)) }, false},
		"emptied":          {func(t *testing.T, path string) { check(t, os.Truncate(path, 0)) }, false},
		"grown":            {func(t *testing.T, path string) { check(t, os.Truncate(path, 9<<20)) }, false},
		"written as whole": {func(t *testing.T, path string) { check(t, os.WriteFile(path, bytes.Repeat([]byte{7}, 3000), 0o644)) }, false},
		"removed":          {func(t *testing.T, path string) { check(t, os.Remove(path)) }, true},
		"replaced": {func(t *testing.T, path string) {
			check(t, WriteSafetensors(path, []Tensor{{Name: "a", Shape: []int{1}, Data: []float32{9}}}, nil))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			path, a := old(t)
			r, err := Open(path)
			check(t, err)
			defer r.Close()
			fill, err := r.Filler("a")
			check(t, err)
			c.change(t, path)
			dst := make([]float32, len(a))
			refused := func(err error) {
				t.Helper()
				if c.fine != (err == nil) || err != nil && !strings.Contains(err.Error(), path+": was written to") {
					t.Errorf("%v", err)
				}
			}
			for range 2 {
				refused(fill(dst))
			}
			if c.fine && !slices.Equal(dst, a) {
				t.Error("other values than were stored")
			}
			_, err = r.Float32("b", 2)
			refused(err)
			_, err = r.Bytes("b")
			refused(err)
		})
	}
}

// What happens in the middle of a read is noticed after it.
func TestWrittenToWhileItIsRead(t *testing.T) {
	path, _ := old(t)
	r, err := Open(path)
	check(t, err)
	defer r.Close()
	if err := r.files[0].unchanged(func() error { inPlace(t, path, 300, []byte{1}); return nil }); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir+": is not a regular file") {
		t.Errorf("%v", err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
