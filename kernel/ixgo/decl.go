package ixgo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/kernel/cell"
)

// decl is a declaration as text, to be compiled again when something that it
// uses is declared anew. A type's methods belong to it.
type decl struct {
	names   []string
	cell    int
	order   int // among those of its cell
	text    string
	methods map[string]string // Type.Name -> text
	uses    map[string]bool   // names of other declarations and of variables
}

// source is the text of a declaration with its methods.
func (d *decl) source() string {
	var b strings.Builder
	b.WriteString(d.text)
	for _, m := range slices.Sorted(maps.Keys(d.methods)) {
		b.WriteString(d.methods[m])
	}
	return b.String()
}

// declared gives the names that a declaration's text declares, and for a method
// the name of its receiver's type.
func declared(c cell.Chunk) (names []string, receiver string, err error) {
	f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+c.Text, parser.SkipObjectResolution)
	if err != nil || len(f.Decls) == 0 {
		return nil, "", err
	}
	switch d := f.Decls[0].(type) {
	case *ast.FuncDecl:
		if d.Recv != nil && len(d.Recv.List) > 0 {
			receiver = typeName(d.Recv.List[0].Type)
		}
		names = append(names, d.Name.Name)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names, receiver, nil
}

// typeName is the name in a receiver's type: T of *T and of T[K].
func typeName(x ast.Expr) string {
	for {
		switch t := x.(type) {
		case *ast.StarExpr:
			x = t.X
		case *ast.ParenExpr:
			x = t.X
		case *ast.IndexExpr:
			x = t.X
		case *ast.IndexListExpr:
			x = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// owner gives the declaration of the cell, or compiled again, that a declaration of its
// file belongs to; nil for the function of statements.
func (s *source) owner(d ast.Decl) *decl {
	name := ""
	switch d := d.(type) {
	case *ast.FuncDecl:
		name = d.Name.Name
		if d.Recv != nil && len(d.Recv.List) > 0 {
			name = typeName(d.Recv.List[0].Type)
		}
	case *ast.GenDecl:
		if len(d.Specs) == 0 {
			return nil
		}
		switch spec := d.Specs[0].(type) {
		case *ast.TypeSpec:
			name = spec.Name.Name
		case *ast.ValueSpec:
			name = spec.Names[0].Name
		}
	}
	for _, o := range slices.Concat(s.again, s.decls) {
		if slices.Contains(o.names, name) {
			return o
		}
	}
	return nil
}

// dependents gives the live declarations that use one of the names, or one another
// that does, in the order in which they were declared. Those in skip are left out.
func (e *Engine) dependents(names map[string]bool, skip map[*decl]bool) []*decl {
	hit := maps.Clone(names)
	found := map[*decl]bool{}
	for more := true; more; {
		more = false
		for _, b := range e.live {
			d := b.decl
			if d == nil || found[d] || skip[d] || slices.ContainsFunc(d.names, func(n string) bool { return names[n] }) {
				continue
			}
			for n := range d.uses {
				if hit[n] {
					found[d], more = true, true
					for _, n := range d.names {
						hit[n] = true
					}
					break
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b *decl) int {
		if a.cell != b.cell {
			return a.cell - b.cell
		}
		return a.order - b.order
	})
}
