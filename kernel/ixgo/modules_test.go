package ixgo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/kernel/engine"
)

// module writes the module of a notebook's folder, which replaces another by a folder
// beside it, and goes there.
func module(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"own/go.mod":             "module example.org/own\n\ngo 1.26\n\nrequire example.org/far v0.0.0\n\nreplace example.org/far => ../far\n",
		"own/counter/counter.go": "package counter\n\nimport \"example.org/far\"\n\nvar Log []string\n\nfunc init() { Log = append(Log, \"init\") }\n\nvar n int\n\nfunc Next() int { n++; return n }\n\nfunc At() far.Point { return far.Point{n, 1} }\n",
		"own/native/native.go":   "package native\n\nimport \"C\"\n",
		"own/dropped/dropped.go": "package dropped\n\nfunc F(seq func(func(int) bool)) {\n\tfor range seq {\n\t\tdefer println()\n\t}\n}\n",
		"far/go.mod":             "module example.org/far\n\ngo 1.26\n",
		"far/far.go":             "package far\n\ntype Point struct{ X, Y int }\n\nfunc (p Point) Sum() int { return p.X + p.Y }\n\nfunc (p *Point) Move(d int) { p.X += d }\n\ntype Stack[T any] struct{ items []T }\n\nfunc (s *Stack[T]) Push(v T) int { s.items = append(s.items, v); return len(s.items) }\n",
	} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "own"))
}

func TestPackagesOfTheNotebooksModule(t *testing.T) {
	module(t)
	cells := [][2]string{
		{"import \"example.org/own/counter\"\ncounter.Next()", "Out: 1"},
		{"counter.Next(), counter.Log", "Out: 2 [init]"},
		{"p := counter.At()\np.Sum()", "Out: 3"},
		{"p.Move(3)\np.X", "Out: 5"},
		{"import \"example.org/far\"\nq := far.Point{7, 8}\np = q\np.Sum()", "Out: 15"},
		{"s := &far.Stack[string]{}\ns.Push(\"a\")", "Out: 1"},
		{"s.Push(\"b\")", "Out: 2"},
		{"type T struct{ far.Point }\nT{p}.Sum(), counter.Log", "Out: 15 [init]"},
	}
	var codes []string
	for _, c := range cells {
		codes = append(codes, c[0])
	}
	for i, got := range play(t, codes) {
		if got != cells[i][1] {
			t.Errorf("%s\nshows %s, want %s", codes[i], got, cells[i][1])
		}
	}
	for code, want := range map[string]string{
		"import \"example.org/own/native\"":  "has C or assembler",
		"import \"example.org/own/dropped\"": "defer in the body of a range over a function",
		"import \"example.org/nowhere\"":     "%require PATH@VERSION",
		"import \"net/http/internal\"":       "which the interpreter does not have",
	} {
		if got := play(t, []string{code})[0]; !strings.Contains(got, want) {
			t.Errorf("%s\nshows %s, want %s", code, got, want)
		}
	}
}

func TestExport(t *testing.T) {
	module(t)
	e := New(&notebook{out: os.Stderr})
	for i, code := range []string{
		"import \"example.org/own/counter\"\nx := counter.Next()\nvar y, z = 2.5, \"a\"\nvar w []int",
		"type P struct{ X int }\nfunc (p P) Twice() int { return 2 * p.X * x }",
		"p := P{3}\np.Twice()",
		"x, err := strconv.Atoi(\"12\")\nx++",
		"p.Twice(), y",
		"nowhere",
		"for i := range 3 { w = append(w, i) }\nDisplay(w)\n%time p.Twice()",
	} {
		if err := e.Run(t.Context(), engine.Cell{N: i + 1, Code: code}); (err != nil) != (code == "nowhere") {
			t.Fatalf("%s: %v", code, err)
		}
	}
	program, err := e.Export()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("cells.go", []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "cells.go").CombinedOutput()
	if want := "6\n78\n2.5\n[0 1 2]\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s\n%s", err, out, want, program)
	}
	if err := e.Run(t.Context(), engine.Cell{N: 9, Code: `x := "text"`}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Export(); err == nil || !strings.Contains(err.Error(), "x is of type int in In[4] and string in In[9]") {
		t.Errorf("a name of two types: %v", err)
	}
}
