package compiled

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/kernel/engine"
)

func known(name string) (string, bool) {
	path, ok := map[string]string{"fmt": "fmt", "errors": "errors", "math": "math", "os": "os", "time": "time"}[name]
	return path, ok
}

// run runs a cell and gives what it printed.
func run(t *testing.T, code string) (p *Program, stub, printed string, notes []string, err error) {
	t.Helper()
	out, e := os.Create(filepath.Join(t.TempDir(), "out"))
	if e != nil {
		t.Fatal(e)
	}
	defer out.Close()
	p, stub, notes, err = Run(context.Background(), engine.Cell{N: 3, Code: code}, known, out, out)
	raw, e := os.ReadFile(out.Name())
	if e != nil {
		t.Fatal(e)
	}
	if p != nil {
		t.Cleanup(p.Close)
	}
	return p, stub, string(raw), notes, err
}

func TestPrograms(t *testing.T) {
	for _, c := range []struct{ name, code, printed, fails string }{
		{"statements", "%%go\nx, unused := 2, 3\nfmt.Println(double(x))\nfunc double(x int) int { return 2 * x }", "4\n", ""},
		{"a whole program", "%%go\npackage main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"main\")\n}", "main\n", ""},
		{"cgo", "%%go\n// static int twice(int x) { return 2*x; }\nimport \"C\"\nfmt.Println(C.twice(21))", "42\n", ""},
		{"an error with its place", "%%go\ny := 1\nfmt.Println(z + y)", "", "In[3]:3:13: compile error: undefined: z"},
		{"a syntax error", "%%go\nfunc f( {}", "", "In[3]:2:"},
		{"an exit", "%%go\nos.Exit(3)", "", "the compiled cell In[3] ended: exit status 3"},
		{"a command", "%%go\n%cd ..", "", "a compiled cell holds Go alone"},
		{"a wrong flag", "%%go -x", "", "only -o FILE"},
		{"statements beside main", "%%go\nfunc main() {}\nfmt.Println()", "", "statements outside"},
		{"no such module", "%%go\nimport _ \"example.org/nowhere\"", "", "%require"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, printed, _, err := run(t, c.code)
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("the error is %v, want %q", err, c.fails)
			}
			if printed != c.printed {
				t.Errorf("it prints %q, want %q", printed, c.printed)
			}
		})
	}
}

const exporting = `%%go
type P struct{ X, Y float64 }
type hidden struct{ x int }
type M struct{}
func (M) F() {}

func Norm(p P) (float64, error) {
	if p.X < 0 {
		return 0, errors.New("negative")
	}
	return math.Hypot(p.X, p.Y), nil
}
func Sum(xs ...int) (s int) {
	for _, x := range xs {
		s += x
	}
	return
}
func At(i int) int { return []int{1}[i] }
func At2(t time.Time, ds []time.Duration) time.Time { return t.Add(ds[0]) }
func debug() {}
func strings() {}
func Forever() { time.Sleep(time.Hour) }
func A(*P) {}
func B() hidden { return hidden{} }
func C(M) {}
func D[T any](T) {}
func E(error) {}
func End() { os.Exit(4) }
fmt.Println("ready")`

func TestFunctionsOfACell(t *testing.T) {
	p, stub, printed, notes, err := run(t, exporting)
	if err != nil {
		t.Fatal(err)
	}
	if printed != "ready\n" || len(notes) != 5 || !strings.Contains(stub, "type P struct{X, Y float64}") || !strings.Contains(stub, "func Sum(a0 ...int) (r0 int)") {
		t.Errorf("%q\n%v\n%s", printed, notes, stub)
	}
	ctx := context.Background()
	type point struct{ X, Y float64 }
	var norm float64
	var failed error
	if err := p.Call(ctx, "Norm", []any{point{3, 4}}, []any{&norm, &failed}); err != nil || norm != 5 || failed != nil {
		t.Error(norm, failed, err)
	}
	if err := p.Call(ctx, "Norm", []any{point{-3, 4}}, []any{&norm, &failed}); err != nil || failed == nil || failed.Error() != "negative" {
		t.Error(norm, failed, err)
	}
	var sum int
	if err := p.Call(ctx, "Sum", []any{[]int{1, 2, 3}}, []any{&sum}); err != nil || sum != 6 {
		t.Error(sum, err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	var later time.Time
	if err := p.Call(ctx, "At2", []any{now, []time.Duration{time.Hour}}, []any{&later}); err != nil || !later.Equal(now.Add(time.Hour)) {
		t.Error(later, err)
	}
	var e *engine.Error
	if err := p.Call(ctx, "At", []any{7}, []any{&sum}); !errors.As(err, &e) || e.Kind != engine.Panic || !strings.Contains(e.Message, "index out of range [7]") || !strings.Contains(e.Message, "In[3]:19") {
		t.Errorf("a panic: %v", err)
	}
	if err := p.Call(ctx, "At", []any{0}, []any{&sum}); err != nil || sum != 1 {
		t.Error("after a panic:", sum, err)
	}
	if err := p.Call(ctx, "End", nil, nil); err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("a process that ends: %v", err)
	}
}

func TestAnInterruptEndsACall(t *testing.T) {
	p, _, _, _, err := run(t, exporting)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var e *engine.Error
	if err := p.Call(ctx, "Forever", nil, nil); !errors.As(err, &e) || e.Kind != engine.Interrupted {
		t.Errorf("%v", err)
	}
}

func TestAProgramIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "folder", "program")
	if _, _, printed, _, err := run(t, "%%go -o "+file+"\nfmt.Println(1)"); err != nil || printed != "" {
		t.Fatal(printed, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode()&0o100 == 0 {
		t.Error(info, err)
	}
}
