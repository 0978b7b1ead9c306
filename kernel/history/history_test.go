package history

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func codes(entries []Entry) string {
	var s []string
	for _, e := range entries {
		s = append(s, e.Code)
	}
	return strings.Join(s, " ")
}

func open(t *testing.T, name string) *History {
	t.Helper()
	h, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFind(t *testing.T) {
	name := filepath.Join(t.TempDir(), "deep", "history.jsonl")
	first := open(t, name)
	for i, c := range []string{"1+1", "x", "1+2"} {
		first.Add(i+1, c)
	}
	first.Output(3, "3")
	beside := open(t, name) // another kernel at the same time
	beside.Add(1, "beside")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"session":2,"line":2,"co`) // killed as it wrote
	f.WriteString("\n")
	f.Close()
	h := open(t, name)
	h.Add(1, "1+1")
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Access: "tail", N: 2}, "beside 1+1"},
		{Query{Access: "tail"}, "1+1 x 1+2 beside 1+1"},
		{Query{Access: "range", Session: 1, Start: 2, Stop: 3}, "x"},
		{Query{Access: "range", Session: 1, Start: 2}, "x 1+2"},
		{Query{Access: "range"}, "1+1"},
		{Query{Access: "range", Session: -1, Start: 1, Stop: 9}, "beside"},
		{Query{Access: "search", Pattern: "1+*"}, "1+1 1+2 1+1"},
		{Query{Access: "search", Pattern: "1+*", Unique: true}, "1+2 1+1"},
		{Query{Access: "search", Pattern: "1+?", N: 1}, "1+1"},
		{Query{Access: "search", Pattern: "[*"}, ""},
	} {
		if got := codes(h.Find(c.q)); got != c.want {
			t.Errorf("%+v: %q, want %q", c.q, got, c.want)
		}
	}
	if all := h.Find(Query{}); all[2].Output != "3" || all[3].Session == all[0].Session || all[4].Session <= all[3].Session {
		t.Errorf("%+v", all)
	}
}

func TestMemoryOnly(t *testing.T) {
	h := open(t, "")
	h.Add(1, "a")
	if got := codes(h.Find(Query{Access: "tail", N: 5})); got != "a" {
		t.Error(got)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open("/proc/none/history.jsonl"); err == nil {
		t.Error("a folder that cannot be made is taken")
	}
}

func TestLongHistoriesAreCut(t *testing.T) {
	h := open(t, "")
	for i := range 2*most + 10 {
		h.Add(i, string(rune('a'+i%26))+strings.Repeat("x", i%7))
	}
	if n := len(h.entries); n > 2*most || !slices.IsSortedFunc(h.entries, func(a, b Entry) int { return a.Line - b.Line }) {
		t.Errorf("%d entries are kept", n)
	}
}
