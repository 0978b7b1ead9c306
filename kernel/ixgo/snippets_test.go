package ixgo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/tunelab/tunelab/kernel/bind"
	"github.com/tunelab/tunelab/kernel/display"
	"github.com/tunelab/tunelab/kernel/engine"
)

var update = flag.Bool("update", false, "write what the snippets print into their files")

// notebook is a host that writes down what it is asked to show.
type notebook struct {
	mu  sync.Mutex
	out *os.File
}

func (n *notebook) say(kind string, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "%s: %s\n", kind, text)
}

func (n *notebook) Result(values []any) {
	var s []string
	for _, v := range values {
		s = append(s, text(v))
	}
	n.say("Out", strings.Join(s, " "))
}

// text is what a notebook shows of a value, as text.
func text(v any) string { return fmt.Sprint(display.Of(v).Data[display.MIMETypeText]) }

func (n *notebook) Show(v any)                                       { n.say("Display", text(v)) }
func (n *notebook) Note(s string)                                    { n.say("Note", s) }
func (n *notebook) Background(err *engine.Error)                     { n.say("Goroutine", err.Error()) }
func (n *notebook) Compiled(int, string, []any, []any) error         { return errors.New("no compiled cells") }
func (n *notebook) Input(prompt string, secret bool) (string, error) { return "typed " + prompt, nil }
func (n *notebook) Command(line string, shell bool) error {
	if strings.HasPrefix(line, "fail") {
		return errors.New(line)
	}
	n.say("Command", fmt.Sprintf("%q shell=%t", line, shell))
	return nil
}

// TestSnippets runs the notebooks of kernel/testdata/snippets: each file holds
// several, each cell is followed by what it shows.
//
//	== name of the snippet
//	code of the first cell
//	-- out
//	what it prints; "Out: " before a result, "Error: " before an error
//	-- in
//	code of the second cell
//	-- out
func TestSnippets(t *testing.T) {
	files, err := filepath.Glob("../testdata/snippets/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no snippets", err)
	}
	count := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i, part := range strings.Split("\n"+string(raw), "\n== ") {
			if i == 0 {
				b.WriteString(strings.TrimPrefix(part, "\n"))
				continue
			}
			count++
			name, body, _ := strings.Cut(part, "\n")
			fmt.Fprintf(&b, "\n== %s\n", name)
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				cells := strings.Split(strings.TrimRight(body, "\n")+"\n", "\n-- in\n")
				var codes, wants []string
				for _, c := range cells {
					code, want, _ := strings.Cut("\n"+c+"\n", "\n-- out\n")
					codes = append(codes, strings.TrimPrefix(code, "\n"))
					wants = append(wants, strings.TrimRight(want, "\n"))
				}
				for i, got := range play(t, codes) {
					if got != wants[i] && !*update {
						t.Errorf("cell %d\n%s\nshows\n%s\nwant\n%s", i+1, codes[i], got, wants[i])
					}
					if i > 0 {
						b.WriteString("-- in\n")
					}
					fmt.Fprintf(&b, "%s\n-- out\n", strings.TrimRight(codes[i], "\n"))
					if got != "" {
						b.WriteString(got + "\n")
					}
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.TrimLeft(b.String(), "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d snippets", count)
}

// play runs cells in one session and gives what each of them shows.
func play(t *testing.T, codes []string) (shown []string) {
	t.Helper()
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	n := &notebook{}
	e := New(n)
	for i, code := range codes {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		n.mu.Lock()
		n.out, os.Stdout = f, f
		n.mu.Unlock()
		if err := e.Run(context.Background(), engine.Cell{N: i + 1, Code: code}); err != nil {
			n.say("Error", err.Error())
		}
		raw, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, strings.TrimRight(string(raw), "\n"))
	}
	return shown
}
