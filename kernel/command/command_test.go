package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/kernel/engine"
)

type session struct {
	names []engine.Name
	reset bool
	page  string
}

func (s *session) Names() []engine.Name { return s.names }
func (s *session) Reset()               { s.reset = true }
func (s *session) Compile() error {
	return &engine.Error{Kind: engine.CompileError, Message: "compiled"}
}
func (s *session) Export() (string, error) { return "package main\n\nfunc main() {}\n", nil }
func (s *session) Page(text string)        { s.page = text }

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := &session{names: []engine.Name{{Name: "x", Kind: "var", Type: "int", Cell: 3}, {Name: "fmt", Kind: "import", Type: "fmt"}}}
	for _, c := range []struct{ line, want, fails string }{
		{"cd ..", "", ""},
		{"cd " + dir, dir + "\n", ""},
		{"cd", dir + "\n", ""},
		{"cd nowhere", "", "%cd: chdir nowhere"},
		{"who", "x    var     int  In[3]\nfmt  import  fmt  \n", ""},
		{"time", "", "a statement must follow"},
		{"reset", "", ""},
		{"help", "", ""},
		{"nothing at all", "", "%nothing is no command"},
		{"%go\nfunc f() {}", "", "compiled"},
		{"require", "", "which module?"},
		{"export", "", "to which file?"},
		{"export cells.go", "cells.go is a program: go run cells.go\n", ""},
		{"go111module off", "", ""},
		{"%time x", "", "stands alone"},
		{"%timeit\nx", "", "of one line"},
	} {
		var out bytes.Buffer
		err := Run(context.Background(), s, c.line, false, &out)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v, want %q", c.line, err, c.fails)
			}
		} else if err != nil || c.want != "" && out.String() != c.want {
			t.Errorf("%s: %q %v, want %q", c.line, out.String(), err, c.want)
		}
	}
	if !s.reset || !strings.Contains(s.page, "%who") {
		t.Errorf("reset %t, page %q", s.reset, s.page)
	}
}

func TestShellIsKilledWithItsChildren(t *testing.T) {
	stdout := os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	err = Run(ctx, &session{}, "echo started; sleep 60 | sleep 60", true, nil)
	w.Close()
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("interrupted: %v", err)
	}
	buf := make([]byte, 100)
	n, _ := r.Read(buf)
	if string(buf[:n]) != "started\n" {
		t.Errorf("printed %q", buf[:n])
	}
	r.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := r.Read(buf); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a child holds the output")
	}
	if err := Shell(context.Background(), "exit 3"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("exit 3: %v", err)
	}
}

func TestComplete(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code string
		ok   bool
		want string
	}{
		{"%he", true, "help"},
		{"x := 1\n%cd fo", true, "folder/"},
		{"$ ls fo", true, "folder/"},
		{"%time strin", false, ""},
		{"fmt.", false, ""},
	} {
		got, ok := Complete(c.code, len(c.code))
		if ok != c.ok || c.want != "" && (len(got.Matches) != 1 || got.Matches[0].Text != c.want) {
			t.Errorf("%q: %+v %t", c.code, got, ok)
		}
	}
}
