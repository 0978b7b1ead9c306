// Package command runs the lines of a cell that are not Go: %name arguments, and
// $ command lines of the shell. What such a line prints is the cell's output.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tunelab/tunelab/kernel/engine"
)

// Session is what commands act upon.
type Session interface {
	Names() []engine.Name
	Export() (program string, err error)
	Reset()           // after the cell that asks for it
	Compile() error   // runs the cell at hand, which begins with %%go
	Page(text string) // shown beside the cell, where the notebook has a pager
}

type command struct {
	usage, what string
	run         func(s Session, args string, out io.Writer) error
}

var commands map[string]command

func init() { // help reads the map
	commands = map[string]command{
		"cd":          {"%cd [FOLDER]", "change the working folder; without one, print it", cd},
		"who":         {"%who", "list the session's names, with their types and cells", who},
		"reset":       {"%reset", "forget every name, after this cell", func(s Session, _ string, _ io.Writer) error { s.Reset(); return nil }},
		"%go":         {"%%go", "first line of a cell that is compiled with the real toolchain; what it exports can be called later", func(s Session, _ string, _ io.Writer) error { return s.Compile() }},
		"require":     {"%require PATH@VERSION", "add a module to the go.mod of the notebook's folder, as go get does", require},
		"export":      {"%export FILE.go", "write the cells that ran well as a Go program", export},
		"help":        {"%help", "show this page", help},
		"time":        {"%time STATEMENT", "run the statements of the line and say how long they took", noStatement},
		"timeit":      {"%timeit STATEMENT", "run the statements of the line many times and say how long they take on average", noStatement},
		"go111module": {"%go111module on|off", "do nothing: modules are always on (gophernotes has this command)", func(Session, string, io.Writer) error { return nil }},
	}
}

// missing are commands that other kernels have.
var missing = map[string]string{
	"%time":   "it stands alone on the first line, with statements below it",
	"%timeit": "it repeats the statements of one line: write %timeit before them",
}

// Run runs one line, without its mark.
func Run(ctx context.Context, s Session, line string, shell bool, out io.Writer) error {
	if shell {
		return Shell(ctx, line)
	}
	name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
	name, _, _ = strings.Cut(name, "\n")
	if c, ok := commands[name]; ok {
		if err := c.run(s, strings.TrimSpace(args), out); errors.As(err, new(*engine.Error)) {
			return err
		} else if err != nil {
			return fmt.Errorf("%%%s: %w", name, err)
		}
		return nil
	}
	if why, ok := missing[name]; ok {
		return fmt.Errorf("%%%s: %s", name, why)
	}
	return fmt.Errorf("%%%s is no command; there are %%%s", name, strings.Join(slices.Sorted(maps.Keys(commands)), ", %"))
}

// Names lists the commands, sorted, for completion.
func Names() []string { return slices.Sorted(maps.Keys(commands)) }

func noStatement(Session, string, io.Writer) error {
	return errors.New("a statement must follow on the line")
}

func cd(_ Session, dir string, out io.Writer) error {
	if dir == "~" || strings.HasPrefix(dir, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		dir = filepath.Join(home, dir[1:])
	}
	if dir != "" {
		if err := os.Chdir(dir); err != nil {
			return err
		}
	}
	wd, err := os.Getwd()
	if err == nil {
		fmt.Fprintln(out, wd)
	}
	return err
}

func who(s Session, _ string, out io.Writer) error {
	names := s.Names()
	if len(names) == 0 {
		fmt.Fprintln(out, "nothing is declared")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, n := range names {
		where := fmt.Sprintf("In[%d]", n.Cell)
		if n.Cell == 0 {
			where = ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", n.Name, n.Kind, n.Type, where)
	}
	return w.Flush()
}

func help(s Session, _ string, _ io.Writer) error {
	var b strings.Builder
	b.WriteString("A cell holds Go: imports, declarations and statements in any order. Its last value is shown.\nPackages of the standard library, lab and display are imported by themselves.\n\n")
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, n := range Names() {
		fmt.Fprintf(w, "%s\t%s\n", commands[n].usage, commands[n].what)
	}
	fmt.Fprintf(w, "%%%%time\tas a cell's first line: say how long all its statements took\n")
	fmt.Fprintf(w, "$ COMMAND\trun a command line of the shell\n")
	fmt.Fprintf(w, "Display(value)\tshow a value at once; package display makes HTML, Markdown, pictures\n")
	fmt.Fprintf(w, "Input(prompt), Password(prompt)\task for a line\n")
	w.Flush()
	s.Page(b.String())
	return nil
}

// Shell runs a command line; it is killed with what it started when ctx ends.
func Shell(ctx context.Context, line string) error {
	c := exec.CommandContext(ctx, "sh", "-c", line)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	ownGroup(c)
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("$ %s: interrupted", line)
		}
		return fmt.Errorf("$ %s: %w", line, err)
	}
	return nil
}
