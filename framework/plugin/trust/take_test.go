package trust

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Changes at once lose no entry of each other.
func TestTakenLockIsOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), LockName)
	var all sync.WaitGroup
	const n = 20
	for i := range n {
		all.Go(func() {
			l, err := TakeLock(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Release()
			l.Put(Entry{Name: fmt.Sprint("plugin-", i), Source: "s", Version: "1.0.0", Protocol: "1.0", SHA256: map[string]string{Platform(): strings.Repeat("a", 64)}})
			if err := l.Write(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	l, err := ReadLock(path)
	if err != nil || len(l.Plugins) != n {
		t.Errorf("%d entries of %d, %v", len(l.Plugins), n, err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("beside the lock lie %v", files)
	}
	if _, err := TakeLock(filepath.Join(t.TempDir(), "none", LockName)); err == nil {
		t.Error("a lock file in a folder that is none")
	}
}

func TestNamesAgreeWithDescriptions(t *testing.T) {
	f, err := ParseName("tunelab-plugin-x_v1.2.0_p1.1_linux_amd64")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, version string
		protocols     []int
		minor         int
		want          string
	}{
		{"x", "1.2.0", []int{1}, 1, ""},
		{"y", "1.2.0", []int{1}, 1, `"y"`},
		{"x", "1.2.1", []int{1}, 1, "version 1.2.1"},
		{"x", "1.2.0", []int{2}, 1, "protocol 1"},
		{"x", "1.2.0", []int{1}, 0, "needing 1.0"},
		{"x", "1.2.0", []int{1}, 2, "needing 1.2"},
	} {
		err := f.Agrees(c.name, c.version, c.protocols, c.minor)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if f, err = ParseName("tunelab-plugin-x"); err != nil || f.Agrees("x", "1.0.0", []int{1}, 1) != nil {
		t.Errorf("the unversioned name claims a protocol: %v", err)
	}
}
