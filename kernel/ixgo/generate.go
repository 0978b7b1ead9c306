package ixgo

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tunelab/tunelab/kernel/cell"
	"github.com/tunelab/tunelab/kernel/engine"
)

// source is a cell on its way to a Go package.
type source struct {
	cell    engine.Cell
	decls   []*decl         // the cell's own, in order
	again   []*decl         // earlier ones that are compiled again
	dropped []*decl         // earlier ones that no longer compile
	fresh   map[string]bool // names of decls and again
	body    []cell.Chunk    // statements and commands
	imports map[string]string
	needed  []string // names of the imports that the file uses
	blank   []string // import specs without a name of their own: _ and .
	file    *ast.File
	entry   *ast.FuncDecl
	last    int // index in entry's body of the last statement of the user's; -1: none

	lastStmt ast.Stmt // it
}

// generate makes a cell's source; without a file where the cell holds nothing to compile.
func (e *Engine) generate(c engine.Cell) (*source, error) {
	chunks, err := cell.Split(c.Code)
	if bad := (*cell.Error)(nil); errors.As(err, &bad) {
		e := &engine.Error{Kind: engine.SyntaxError, Message: bad.Message, File: c.File(), Line: bad.Line, Col: bad.Col}
		if strings.Contains(c.Code, "#[") && strings.Contains(bad.Message, "'#'") {
			e.Kind, e.Message = engine.Refused, "generics are written as in Go, F[T any], not as F#[T] of gomacro"
		}
		return nil, e
	}
	s := &source{cell: c, imports: maps.Clone(e.imports), fresh: map[string]bool{}}
	for _, k := range chunks {
		if k.Kind == cell.Statement && strings.HasPrefix(k.Text, "package ") {
			continue // a program that was pasted whole
		}
		if k.Kind == cell.Statement && (k.Text[0] == ':' || k.Text[0] == '~') {
			return nil, fail(c, k, engine.Refused, "lines that begin with : or ~ are commands and macros of gomacro, which gophernotes was made of; cells hold Go alone")
		}
		var err error
		switch k.Kind {
		case cell.Import:
			err = e.addImports(s, k)
		case cell.Func, cell.Type, cell.Const:
			err = e.addDecl(s, k)
		default:
			s.body = append(s.body, k)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(s.body)+len(s.decls) == 0 {
		return s, nil
	}
	if err := e.parse(s); err != nil {
		return nil, err
	}
	return s, nil
}

func (e *Engine) addImports(s *source, k cell.Chunk) error {
	f, err := parser.ParseFile(token.NewFileSet(), s.cell.File(), "package p\n"+directive(s.cell, k)+k.Text, parser.ImportsOnly)
	if err != nil {
		return syntax(err)
	}
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return fail(s.cell, k, engine.SyntaxError, err.Error())
		}
		if path == "display" { // its path in gophernotes
			path = preferred["display"]
			i.Path.Value = strconv.Quote(path)
		}
		if path == "C" {
			return fail(s.cell, k, engine.Refused, `cgo (import "C") can't be interpreted: use it in a %%go cell`)
		}
		p, err := e.importPath(path)
		if err != nil {
			return fail(s.cell, k, engine.CompileError, fmt.Sprintf("%q cannot be imported: %v", path, err))
		}
		switch {
		case i.Name == nil:
			s.imports[p.Name()] = path
		case i.Name.Name == "." || i.Name.Name == "_":
			s.blank = append(s.blank, i.Name.Name+" "+i.Path.Value)
		default:
			s.imports[i.Name.Name] = path
		}
	}
	return nil
}

func (e *Engine) addDecl(s *source, k cell.Chunk) error {
	names, receiver, err := declared(k)
	if err != nil || len(names) == 0 { // the parser says what is wrong, with its place
		names, receiver = []string{fmt.Sprintf("bad%s%d", sep, k.Line)}, ""
	}
	text := directive(s.cell, k) + k.Text + "\n"
	if receiver == "" {
		for _, n := range names {
			switch {
			case n == "init" && k.Kind == cell.Func:
				return fail(s.cell, k, engine.Refused, "func init would never be called: write its statements into the cell")
			case s.fresh[n] && n != "_":
				return fail(s.cell, k, engine.CompileError, n+" is declared twice in this cell")
			}
			s.fresh[n] = true
		}
		s.decls = append(s.decls, &decl{names: names, cell: s.cell.N, order: len(s.decls), text: text, methods: map[string]string{}})
		return nil
	}
	for _, d := range s.decls {
		if slices.Contains(d.names, receiver) {
			d.methods[receiver+"."+names[0]] = text
			return nil
		}
	}
	b := e.live[receiver]
	if b == nil || b.decl == nil {
		return fail(s.cell, k, engine.CompileError, "undefined: "+receiver)
	}
	d := &decl{names: b.decl.names, cell: s.cell.N, order: len(s.decls), text: b.decl.text, methods: maps.Clone(b.decl.methods)}
	d.methods[receiver+"."+names[0]] = text
	for _, n := range d.names {
		s.fresh[n] = true
	}
	s.decls = append(s.decls, d)
	return nil
}

// directive makes positions of what follows those of the cell.
func directive(c engine.Cell, k cell.Chunk) string {
	return fmt.Sprintf("//line %s:%d:%d\n", c.File(), k.Line, k.Col)
}

// entryName is the function that holds a cell's statements.
func entryName(c engine.Cell) string { return fmt.Sprintf("cell%s%d", sep, c.N) }

// text writes the package.
func (s *source) text(imports []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package main\nimport %s %q\n", builtinName, builtinPath)
	for _, i := range imports {
		fmt.Fprintf(&b, "import %s %q\n", i, s.imports[i])
	}
	for _, i := range s.blank {
		fmt.Fprintf(&b, "import %s\n", i)
	}
	for _, d := range s.again {
		b.WriteString(d.source())
	}
	for _, d := range s.decls {
		b.WriteString(d.source())
	}
	fmt.Fprintf(&b, "func %s() {\n", entryName(s.cell))
	s.last = -1
	n, timed := 0, -1 // the last of the statements that %time measures
	for i := 0; i < len(s.body); i++ {
		k := s.body[i]
		line := directive(s.cell, k)
		switch {
		case k.Kind == cell.Command && k.Text == "timeit" && s.sameLine(i) > i:
			fmt.Fprintf(&b, "%s%s.Repeat(func() {\n", line, builtinName)
			for end := s.sameLine(i); i < end; i++ {
				fmt.Fprintf(&b, "%s%s\n", directive(s.cell, s.body[i+1]), s.body[i+1].Text)
			}
			b.WriteString("})\n")
			s.last = -1
		case k.Kind == cell.Command && (k.Text == "time" || k.Text == cell.WholeTime[1:]) && s.timed(i) > i:
			fmt.Fprintf(&b, "%s%s.Start()\n", line, builtinName)
			timed = s.timed(i)
		case k.Kind == cell.Command || k.Kind == cell.Shell:
			fmt.Fprintf(&b, "%s%s.Command(%q, %t)\n", line, builtinName, k.Text, k.Kind == cell.Shell)
			s.last = -1
		case i == len(s.body)-1 && cell.Listed(k.Text):
			fmt.Fprintf(&b, "%s%s.Result(\n%s%s)\n", line, builtinName, line, k.Text)
			s.last = -1
		default:
			b.WriteString(line + k.Text + "\n")
			s.last = n
		}
		n++
		if i == timed {
			fmt.Fprintf(&b, "%s%s.Stop()\n", line, builtinName)
			n++
		}
	}
	line, col := s.end()
	fmt.Fprintf(&b, "//line %s:%d:%d\n}\n", s.cell.File(), line, col)
	return b.String()
}

// timed gives the last of the statements that a %time, or a %%time, measures.
func (s *source) timed(command int) int {
	if s.body[command].Text == "time" {
		return s.sameLine(command)
	}
	return len(s.body) - 1
}

// sameLine gives the last of the statements that begin on the line of a command.
func (s *source) sameLine(command int) int {
	last := command
	for last+1 < len(s.body) && s.body[last+1].Kind == cell.Statement && s.body[last+1].Line == s.body[command].Line {
		last++
	}
	return last
}

// end is the place behind the cell's last character.
func (s *source) end() (line, col int) {
	code := strings.TrimRight(s.cell.Code, " \t\n")
	return 1 + strings.Count(code, "\n"), len(code) - strings.LastIndexByte(code, '\n')
}

// parse makes the syntax tree, with the imports that it needs, and finds which
// earlier declarations must be compiled again.
func (e *Engine) parse(s *source) error {
	again := map[string]bool{}
	for n := range s.fresh {
		if e.live[n] != nil {
			again[n] = true
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", s.text(nil), 0)
	if err != nil {
		return syntax(err)
	}
	for _, n := range topNames(entryOf(f, s.cell)) {
		if e.live[n.Name] != nil {
			again[n.Name] = true
		}
	}
	own := map[*decl]bool{}
	for _, d := range s.decls {
		for _, n := range d.names {
			if b := e.live[n]; b != nil && b.decl != nil {
				own[b.decl] = true
			}
		}
	}
	s.again = e.dependents(again, own)
	return e.parseAgain(s)
}

// parseAgain makes the tree of the package as it stands: decls, again, body.
func (e *Engine) parseAgain(s *source) error {
	for _, d := range s.again {
		for _, n := range d.names {
			s.fresh[n] = true
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", s.text(nil), 0)
	if err != nil {
		return syntax(err)
	}
	s.needed = e.neededImports(s, f)
	if s.file, err = parser.ParseFile(e.ctx.FileSet, "", s.text(s.needed), 0); err != nil {
		return syntax(err)
	}
	s.entry = entryOf(s.file, s.cell)
	if s.lastStmt = nil; s.last >= 0 && s.last < len(s.entry.Body.List) {
		s.lastStmt = s.entry.Body.List[s.last]
	}
	reportDefinitions(s.entry)
	return nil
}

func entryOf(f *ast.File, c engine.Cell) *ast.FuncDecl {
	for _, d := range f.Decls {
		if fd, ok := d.(*ast.FuncDecl); ok && fd.Name.Name == entryName(c) {
			return fd
		}
	}
	panic("a cell without its function")
}

// syntax turns the parser's first error into the cell's. What it finds behind the cell
// is the brace that ends the function around the statements.
func syntax(err error) error {
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		p := list[0].Pos
		message := strings.Replace(list[0].Msg, "found '}'", "found the end of the cell", 1)
		return &engine.Error{Kind: engine.SyntaxError, Message: message, File: p.Filename, Line: p.Line, Col: p.Column}
	}
	return &engine.Error{Kind: engine.SyntaxError, Message: err.Error()}
}

func fail(c engine.Cell, k cell.Chunk, kind, message string) error {
	return &engine.Error{Kind: kind, Message: message, File: c.File(), Line: k.Line, Col: k.Col}
}
