package ixgo

import (
	"go/ast"
	"go/scanner"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/go/types/typeutil"

	"github.com/tunelab/tunelab/kernel/engine"
)

// cursor stands in a cell's text for the name that is asked about.
const cursor = "cursor" + sep

// Complete gives what may stand at an offset of a cell's text.
func (e *Engine) Complete(code string, offset int) engine.Completion {
	start := offset
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(code[:start])
		if !letter(r) {
			break
		}
		start -= n
	}
	c := engine.Completion{Start: start, End: offset}
	prefix := code[start:offset]
	found := map[string]string{} // name -> kind
	add := func(name, kind string) {
		if hasPrefixFold(name, prefix) && name != "_" && !strings.Contains(name, sep) {
			found[name] = kind
		}
	}
	e.mu.Lock()
	k, at := e.tryOut(code[:start])
	selector := strings.HasSuffix(strings.TrimRight(code[:start], " \t\n"), ".")
	switch at := at.(type) {
	case *ast.SelectorExpr:
		e.members(k, at.X, add)
	case *ast.Ident:
		for s := k.pkg.Scope().Innermost(at.Pos()); s != nil; s = s.Parent() {
			for _, n := range s.Names() {
				if o := s.Lookup(n); o.Pos() < at.Pos() || s == k.pkg.Scope() || s == types.Universe {
					add(n, kindOf(o))
				}
			}
		}
	}
	if !selector {
		e.everywhere(add)
	}
	e.mu.Unlock()
	for n, kind := range found {
		c.Matches = append(c.Matches, engine.Match{Text: n, Kind: kind})
	}
	slices.SortFunc(c.Matches, func(a, b engine.Match) int {
		if x, y := strings.HasPrefix(a.Text, prefix), strings.HasPrefix(b.Text, prefix); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Text, b.Text)
	})
	return c
}

func letter(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// everywhere adds what can be named at any place of a cell.
func (e *Engine) everywhere(add func(name, kind string)) {
	for n := range known {
		add(n, "package")
	}
	for n := range e.imports {
		add(n, "package")
	}
	for t := token.BREAK; t <= token.VAR; t++ {
		add(t.String(), "keyword")
	}
	for n, b := range e.live {
		add(n, kindOf(b.obj))
	}
	for _, n := range builtins {
		add(n, "func")
	}
	for _, n := range types.Universe.Names() {
		add(n, kindOf(types.Universe.Lookup(n)))
	}
}

// members adds what can follow a dot after x.
func (e *Engine) members(k *checked, x ast.Expr, add func(name, kind string)) {
	if id, ok := x.(*ast.Ident); ok {
		if p, ok := k.info.Uses[id].(*types.PkgName); ok {
			for _, n := range p.Imported().Scope().Names() {
				if token.IsExported(n) {
					add(n, kindOf(p.Imported().Scope().Lookup(n)))
				}
			}
			return
		}
	}
	t := k.info.TypeOf(x)
	if t == nil {
		return
	}
	visible := func(o types.Object) bool { return o.Exported() || o.Pkg() != nil && o.Pkg().Path() == mainPath }
	for _, s := range typeutil.IntuitiveMethodSet(t, nil) {
		if visible(s.Obj()) {
			add(s.Obj().Name(), "method")
		}
	}
	seen := map[types.Type]bool{}
	var fields func(t types.Type)
	fields = func(t types.Type) {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok || seen[t] {
			return
		}
		seen[t] = true
		for i := range st.NumFields() {
			f := st.Field(i)
			if visible(f) {
				add(f.Name(), "field")
			}
			if f.Embedded() {
				fields(f.Type())
			}
		}
	}
	fields(t)
}

// tryOut checks the beginning of a cell, with a name at its end and what is open
// closed, and gives the selector or the name there.
func (e *Engine) tryOut(code string) (*checked, ast.Node) {
	closers := closing(code)
	for _, end := range []string{closers, " {}" + closers, ":" + closers} {
		s, _ := e.attempt(code + cursor + end)
		if s == nil {
			continue
		}
		k, _ := e.checkOnce(s, nil)
		var at ast.Node
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if n.Sel.Name == cursor {
					at = n
				}
			case *ast.Ident:
				if n.Name == cursor && at == nil {
					at = n
				}
			}
			return true
		})
		if at != nil {
			return k, at
		}
	}
	return nil, nil
}

// attempt makes a source of a text that nobody runs.
func (e *Engine) attempt(code string) (s *source, err error) {
	defer func() {
		if r := recover(); r != nil { // half a cell: nothing is found in it
			s = nil
		}
	}()
	if s, err = e.generate(engine.Cell{N: 0, Code: code}); err == nil && s.file == nil {
		s = nil
	}
	return s, err
}

// closing gives the brackets that a text leaves open, innermost first.
func closing(code string) string {
	var sc scanner.Scanner
	fset := token.NewFileSet()
	sc.Init(fset.AddFile("", -1, len(code)), []byte(code), func(token.Position, string) {}, 0)
	var open []string
	for {
		_, t, _ := sc.Scan()
		switch t {
		case token.EOF:
			slices.Reverse(open)
			return strings.Join(open, "")
		case token.LPAREN:
			open = append(open, ")")
		case token.LBRACK:
			open = append(open, "]")
		case token.LBRACE:
			open = append(open, "\n}")
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
}
