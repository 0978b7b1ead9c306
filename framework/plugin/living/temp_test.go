package living

import (
	"os"
	"path/filepath"
	"slices"
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
