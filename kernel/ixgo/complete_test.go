package ixgo

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/kernel/engine"
)

// session runs cells that must not fail.
func session(t *testing.T, cells ...string) *Engine {
	t.Helper()
	e := New(&notebook{})
	for i, c := range cells {
		if err := e.Run(context.Background(), engine.Cell{N: i + 1, Code: c}); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func TestComplete(t *testing.T) {
	e := session(t, "type Point struct{ X, Y int; name string }\nfunc (p Point) Norm() int { return p.X }\npoints := []Point{{1, 2, \"a\"}}")
	for _, c := range []struct {
		code       string // | is the cursor
		has, lacks string
	}{
		{"strings.Rep|", "Repeat Replace ReplaceAll Replacer", "Split"},
		{"fmt.Println(strings.ToU|", "ToUpper", "Repeat"},
		{"poi|", "points", "Point2"},
		{"points[0].|", "X Y name Norm", "Z"},
		{"p := points[0]\np.No|", "Norm", "X"},
		{"func f(alpha int) {\n\talp|", "alpha", "points"},
		{"for _, q := range points {\n\tq.|", "X Norm", "points"},
		{"if points[0].|", "Norm", "points"},
		{"for range poi|", "points", "strings"},
		{"str|", "strings string strconv struct", "fmt"},
		{"x := 1\nretu|", "return", "range"},
		{"points[0].Norm() + stri|\nfmt.Println(1)", "strings", "fmt"},
		{"ünder := 1\nün|", "ünder", "x"},
		{"switch {\ncase len(poi|", "points", "fmt"},
		{"time.Second.Sec|", "Seconds", "Minutes"},
		{"nothing.|", "", "points"},
		{"\"strings.|", "", "Repeat"},
	} {
		before, after, _ := strings.Cut(c.code, "|")
		got := e.Complete(before+after, len(before))
		var names []string
		for _, m := range got.Matches {
			names = append(names, m.Text)
		}
		for _, n := range strings.Fields(c.has) {
			if !slices.Contains(names, n) {
				t.Errorf("%q: %s is missing in %v", c.code, n, names)
			}
		}
		for _, n := range strings.Fields(c.lacks) {
			if slices.Contains(names, n) {
				t.Errorf("%q: %s is offered", c.code, n)
			}
		}
	}
	if err := e.Run(context.Background(), engine.Cell{N: 9, Code: "points[0].X"}); err != nil {
		t.Error("after completions:", err)
	}
}

func TestInspect(t *testing.T) {
	e := session(t, "// Norm is a norm.\nfunc Norm(x int) int { return x }\nn := 41\nnames := []string{\"a\"}\nb := &strings.Builder{}")
	for _, c := range []struct{ code, want string }{
		{"No|rm(3)", "func Norm(x int) int"},
		{"Norm(|", "func Norm(x int) int"},
		{"n|", "var n int = 41"},
		{"names|", "[]string of length 1"},
		{"strings.Repe|at", "Repeat"},
		{"strin|gs", "package strings"},
		{"b.WriteS|tring", "WriteString"},
		{"y := 2.5\ny|", "float64"},
		{"appen|d", "append"},
	} {
		before, after, _ := strings.Cut(c.code, "|")
		got, found := e.Inspect(before+after, len(before))
		if !found || !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.code, got, c.want)
		}
	}
	if got, found := e.Inspect("nothing", 3); found {
		t.Errorf("nothing: %q", got)
	}
}
