package compiled

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/kernel/cell"
	"github.com/tunelab/tunelab/kernel/engine"
)

// source is a cell as a Go program.
type source struct {
	cell      engine.Cell
	out       string // file that the program is written to instead of being run; "": none
	program   string // main.go
	server    string // serve.go
	functions []*function
	types     []string // declarations that the functions' signatures use
	notes     []string // exported functions that cannot be called, and why
}

// mark is a letter that nobody types, in the names that are made here.
const mark = "ᐧ"

// generate makes a program of a cell's text, whose first line is the command. known
// gives the path of a package that nobody imported.
func generate(c engine.Cell, known func(name string) (path string, ok bool)) (*source, error) {
	head, body, _ := strings.Cut(c.Code, "\n")
	s := &source{cell: c}
	switch words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(head), "%%go")); {
	case len(words) == 2 && words[0] == "-o":
		s.out = words[1]
	case len(words) > 0:
		return nil, &engine.Error{Kind: engine.SyntaxError, Message: "behind %%go on its line only -o FILE may stand, which writes the program there instead of running it", File: c.File(), Line: 1, Col: 1}
	}
	text := "\n" + body
	chunks, err := cell.Split(text)
	if bad := (*cell.Error)(nil); errors.As(err, &bad) {
		return nil, &engine.Error{Kind: engine.SyntaxError, Message: bad.Message, File: c.File(), Line: bad.Line, Col: bad.Col}
	}
	var imports, decls, statements strings.Builder
	hasMain, end := false, 0
	for _, k := range chunks {
		at := offset(text, k.Line, k.Col)
		line := fmt.Sprintf("//line %s:%d:%d\n", c.File(), k.Line, k.Col)
		switch {
		case k.Kind == cell.Command || k.Kind == cell.Shell:
			return nil, fail(c, k, "a compiled cell holds Go alone: put the command into a cell of its own")
		case k.Kind == cell.Import:
			if strings.Contains(k.Text, `"C"`) { // what stands before it is C
				imports.WriteString(strings.TrimLeft(text[end:at], "\n\t ;") + k.Text + "\n")
			} else {
				imports.WriteString(line + k.Text + "\n")
			}
		case k.Kind == cell.Statement && strings.HasPrefix(k.Text, "package "):
		case k.Kind == cell.Func && strings.HasPrefix(k.Text, "func main("):
			hasMain = true
			decls.WriteString(line + strings.Replace(k.Text, "func main(", "func main"+mark+"(", 1) + "\n")
		case k.Kind == cell.Statement && !strings.HasPrefix(k.Text, "var ") && !strings.HasPrefix(k.Text, "var("):
			statements.WriteString(line + k.Text + "\n")
		default:
			decls.WriteString(line + k.Text + "\n")
		}
		end = at + len(k.Text)
	}
	if !hasMain {
		fmt.Fprintf(&decls, "func main%s() {\n%s}\n", mark, statements.String())
	} else if statements.Len() > 0 {
		return nil, &engine.Error{Kind: engine.CompileError, Message: "the cell has func main, and statements outside of it: put them into it", File: c.File(), Line: 1, Col: 1}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", "package main\n"+imports.String()+decls.String(), parser.ParseComments)
	if err != nil {
		return nil, syntax(err)
	}
	program := decls.String()
	if !hasMain {
		program = withUses(program, used(f))
	}
	s.program = "package main\n" + imports.String() + missing(f, known) + program
	if s.out == "" {
		s.find(f)
	}
	s.server = s.serve()
	return s, nil
}

// offset is the byte of a line and column.
func offset(text string, line, col int) int {
	at := 0
	for range line - 1 {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	return at + col - 1
}

// used gives the names that the statements define outside any block: an unused one is
// no error in a notebook.
func used(f *ast.File) (names []string) {
	for _, d := range f.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok || fd.Name.Name != "main"+mark || fd.Body == nil {
			continue
		}
		for _, st := range fd.Body.List {
			if a, ok := st.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
				for _, l := range a.Lhs {
					if id, ok := l.(*ast.Ident); ok && id.Name != "_" && !slices.Contains(names, id.Name) {
						names = append(names, id.Name)
					}
				}
			}
		}
	}
	return names
}

// withUses uses them at the end of the statements, which end the text.
func withUses(decls string, names []string) string {
	if len(names) == 0 {
		return decls
	}
	i := strings.LastIndexByte(decls, '}')
	blanks := strings.TrimSuffix(strings.Repeat("_, ", len(names)), ", ")
	return decls[:i] + blanks + " = " + strings.Join(names, ", ") + "\n" + decls[i:]
}

// missing are the imports of packages that the cell uses and does not import.
func missing(f *ast.File, known func(string) (string, bool)) string {
	qualifiers := map[*ast.Ident]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				qualifiers[id] = true
			}
		}
		return true
	})
	has := map[string]bool{"C": true}
	for _, i := range f.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		has[path[strings.LastIndexByte(path, '/')+1:]] = true
		if i.Name != nil {
			has[i.Name.Name] = true
		}
	}
	add := map[string]string{}
	for _, id := range f.Unresolved {
		if qualifiers[id] && !has[id.Name] {
			if path, ok := known(id.Name); ok {
				add[id.Name] = path
			}
		}
	}
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(add)) {
		fmt.Fprintf(&b, "import %s %q\n", n, add[n])
	}
	return b.String()
}

func fail(c engine.Cell, k cell.Chunk, message string) error {
	return &engine.Error{Kind: engine.SyntaxError, Message: message, File: c.File(), Line: k.Line, Col: k.Col}
}

// syntax turns the parser's first error into the cell's.
func syntax(err error) error {
	if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 {
		p := list[0].Pos
		return &engine.Error{Kind: engine.SyntaxError, Message: list[0].Msg, File: p.Filename, Line: p.Line, Col: p.Column}
	}
	return &engine.Error{Kind: engine.SyntaxError, Message: err.Error()}
}
