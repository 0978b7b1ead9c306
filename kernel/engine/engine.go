// Package engine says what runs a notebook's Go: a session that cells change one
// after the other. Package kernel/ixgo is the implementation; only the program's main
// package knows it.
package engine

import (
	"context"
	"fmt"
	"strings"
)

// Engine is one session. Run is called by one goroutine at a time; the other
// methods may be called beside it, from any goroutine.
type Engine interface {
	// Run executes a cell: its declarations, then its statements. When it returns,
	// what the cell declared is there for the next one, also after an *Error at run
	// time; an *Error of the check leaves the session as it was. Cancelling ctx
	// interrupts the cell: loops and calls of the cell's code stop at once, with
	// their deferred calls made; a call that is blocked outside it is left behind
	// after Grace. Goroutines of earlier cells go on.
	Run(ctx context.Context, c Cell) error

	// Complete gives what may stand at an offset, in bytes, of a cell's text.
	Complete(code string, offset int) Completion

	// Inspect describes the name at an offset, in bytes, of a cell's text.
	Inspect(code string, offset int) (text string, found bool)

	// Package gives the path of the package that a name means where nothing else
	// declares it: one that a cell imported, or one that is known.
	Package(name string) (path string, ok bool)

	// Export writes what the session's cells did, those that ended well, as a Go
	// program: declarations as they are now, statements in the order in which they ran.
	Export() (string, error)

	// Names lists what the session's cells declared, by name.
	Names() []Name
}

// Cell is the text of a cell and its number, which names it in positions: In[3]:1:5.
type Cell struct {
	N    int
	Code string
}

// File is the cell's name in positions.
func (c Cell) File() string { return fmt.Sprintf("In[%d]", c.N) }

// Host is what a running cell reaches outside the engine. Its methods are called
// from whatever goroutine of the cell calls them.
type Host interface {
	// Result shows the values of the cell's last statement.
	Result(values []any)

	// Show shows a value at once, where code asked for it.
	Show(value any)

	// Input asks the person at the notebook for a line.
	Input(prompt string, secret bool) (string, error)

	// Command runs a line that began with % (name and arguments) or $ (shell).
	Command(line string, shell bool) error

	// Compiled calls a function of the %%go cell of that number; results are pointers.
	Compiled(cell int, name string, args, results []any) error

	// Note tells the person something that is no error.
	Note(text string)

	// Background reports a panic in a goroutine that a cell started.
	Background(err *Error)
}

// Name is one thing that a session holds.
type Name struct {
	Name, Kind, Type string // Kind: var, func, type, const, import
	Cell             int    // that declared it; 0 for an import
}

// Completion lists what may replace the bytes from Start to End of a cell's text.
type Completion struct {
	Start, End int
	Matches    []Match
}

// Match is one completion and its kind: func, var, type, const, package, field, method, keyword.
type Match struct{ Text, Kind string }

// Kinds of errors, as notebooks show them.
const (
	SyntaxError  = "syntax error"
	CompileError = "compile error"
	Panic        = "panic"
	Exit         = "exit"
	Interrupted  = "interrupted"
	Refused      = "not supported"
	Failed       = "failed" // a command, or asking for input
)

// Error is why a cell did not end well.
type Error struct {
	Kind    string
	Message string
	File    string // In[3], or "" where no position is known
	Line    int    // from 1
	Col     int    // from 1; 0: unknown
	Stack   []Frame
}

// Frame is one call of the user's code.
type Frame struct {
	Func, File string
	Line       int
	Col        int // 0: unknown
}

// Position is the place of an error, as far as it is known.
func (e *Error) Position() string {
	switch {
	case e.File == "":
		return ""
	case e.Col == 0:
		return fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Col)
}

func (e *Error) Error() string {
	if p := e.Position(); p != "" {
		return fmt.Sprintf("%s: %s: %s", p, e.Kind, e.Message)
	}
	return e.Kind + ": " + e.Message
}

// Trace is the stack as Go prints one, innermost call first.
func (e *Error) Trace() string {
	var b strings.Builder
	for _, f := range e.Stack {
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Func, f.File, f.Line)
	}
	return b.String()
}
