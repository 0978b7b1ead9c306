package host

import (
	"bytes"
	"strings"
	"testing"
)

// A log above the bound ends in a word about it; the tail goes on.
func TestLogIsBounded(t *testing.T) {
	var passed bytes.Buffer
	l := &tail{w: &passed, left: 100}
	for range 50 {
		if n, err := l.Write([]byte("0123456789\n")); n != 11 || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := l.Write([]byte("the end\n")); err != nil {
		t.Fatal(err)
	}
	kept, said, _ := strings.Cut(passed.String(), "\n[")
	if kept != strings.Repeat("0123456789\n", 9)+"0" || !strings.Contains(said, "the rest was dropped") || strings.Count(said, "dropped") != 1 {
		t.Errorf("passed on:\n%s", passed.String())
	}
	if !strings.HasSuffix(l.String(), "0123456789\nthe end") {
		t.Errorf("the tail: %s", l.String())
	}
}
