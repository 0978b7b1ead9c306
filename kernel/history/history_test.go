package history

import (
	"fmt"
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

func TestALongFileIsCut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history.jsonl")
	var b strings.Builder
	for i := range 2*most + 1 {
		fmt.Fprintf(&b, `{"session":7,"line":%d,"code":"c%d"}`+"\n", i+1, i+1)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	beside, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0) // a kernel that had it open before
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, name)
	fmt.Fprintln(beside, `{"session":6,"line":1,"code":"beside"}`)
	beside.Close()
	h.Add(1, "new")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), "\n"); n != most+3 { // and the session's begin, beside, new
		t.Errorf("%d lines stay", n)
	}
	again := open(t, name)
	found := again.Find(Query{Access: "tail"})
	if first, last := found[0].Code, codes(found[len(found)-3:]); first != fmt.Sprint("c", most+2) || last != fmt.Sprint("c", 2*most+1, " beside new") {
		t.Errorf("from %s to %s", first, last)
	}
	if s := found[len(found)-1].Session; s != 8 {
		t.Errorf("its session is %d", s)
	}
}

func TestAFileOfLongOutputsIsCut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history.jsonl")
	h := open(t, name)
	for i := range 70 {
		h.Add(i+1, "x")
		h.Output(i+1, strings.Repeat("o", 1<<20))
	}
	h.Close()
	h = open(t, name)
	h.Close()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(h.entries); info.Size() > mostBytes+2<<20 || n < 25 || h.entries[n-1].Line != 70 {
		t.Errorf("%d bytes, %d entries", info.Size(), n)
	}
}
