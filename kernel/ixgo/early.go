package ixgo

import (
	"go/ast"
	"go/parser"
	"go/token"
)

// oldMark is behind the name of a variable of an earlier cell, where this cell defines
// the name too.
const oldMark = sep + "old"

// early are package variables for those of a cell's statements that its declarations
// use. They are there for the checker alone, which finds their types from copies of
// their values; hoist makes the real ones.
type early struct {
	decl  *ast.GenDecl
	file  *ast.File       // the copy
	names map[string]bool // that are declared
	old   map[string]bool // of earlier cells' variables, which the copies use
}

// definition is a statement that defines names, and its copy.
type definition struct {
	pos  token.Pos
	ids  []*ast.Ident // that it defines first; nil: blank, or defined before
	spec *ast.ValueSpec
	top  map[any]bool // the copies of all definitions: what the parser calls a name's declaration
}

// declareEarly gives the package variables that a cell's declarations need, or nil.
func (e *Engine) declareEarly(s *source) (*early, error) {
	wanted := map[string]bool{}
	defined := map[string]*ast.Ident{}
	for _, id := range topNames(s.entry) {
		if defined[id.Name] == nil {
			defined[id.Name] = id
		}
	}
	for _, id := range s.file.Unresolved {
		if defined[id.Name] != nil && !within(s.entry, id.Pos()) && !s.fresh[id.Name] {
			wanted[id.Name] = true
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	f, err := parser.ParseFile(e.ctx.FileSet, "", s.text(s.needed), 0)
	if err != nil {
		return nil, syntax(err)
	}
	copied := entryOf(f, s.cell)
	reportDefinitions(copied)
	defs := definitions(s.entry, copied, defined)
	for more := true; more; { // and those that their values need
		more = false
		for _, d := range defs {
			if !d.declares(wanted) {
				continue
			}
			d.eachName(func(id *ast.Ident, key bool) {
				if defined[id.Name] != nil && !wanted[id.Name] {
					wanted[id.Name], more = true, true
				}
			})
		}
	}
	x := &early{decl: &ast.GenDecl{Tok: token.VAR, TokPos: f.Pos()}, file: f, names: wanted, old: map[string]bool{}}
	for _, d := range defs {
		if !d.declares(wanted) {
			continue
		}
		d.eachName(func(id *ast.Ident, key bool) {
			// A name that is defined here or further on still means the variable of an
			// earlier cell.
			def, b := defined[id.Name], e.live[id.Name]
			if !key && def != nil && def.Pos() >= d.pos && b != nil && b.decl == nil && !s.fresh[id.Name] {
				x.old[id.Name] = true
				id.Name += oldMark
			}
		})
		x.decl.Specs = append(x.decl.Specs, d.spec)
	}
	return x, nil
}

func (d *definition) declares(wanted map[string]bool) bool {
	for _, id := range d.ids {
		if id != nil && wanted[id.Name] {
			return true
		}
	}
	return false
}

// eachName calls f with the names in the copy's type and values that are not local to
// a function in them; key tells the key of a composite literal, which may be a field's.
func (d *definition) eachName(f func(id *ast.Ident, key bool)) {
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			ast.Inspect(n.X, visit)
			return false
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok {
				f(id, true)
				ast.Inspect(n.Value, visit)
				return false
			}
		case *ast.Ident:
			if n.Obj == nil || d.top[n.Obj.Decl] {
				f(n, false)
			}
		}
		return true
	}
	if d.spec.Type != nil {
		ast.Inspect(d.spec.Type, visit)
	}
	for _, v := range d.spec.Values {
		ast.Inspect(v, visit)
	}
}

// definitions lists a cell's defining statements with specs made of their copies.
func definitions(entry, copied *ast.FuncDecl, defined map[string]*ast.Ident) (list []*definition) {
	top := map[any]bool{}
	for i, st := range entry.Body.List {
		st, cp := unlabelled(st), unlabelled(copied.Body.List[i])
		switch st := st.(type) {
		case *ast.AssignStmt:
			cp, ok := cp.(*ast.AssignStmt)
			if !ok || st.Tok != token.DEFINE {
				continue
			}
			top[cp] = true
			d := &definition{pos: st.Pos(), top: top, spec: &ast.ValueSpec{Values: cp.Rhs}}
			for j, l := range st.Lhs {
				d.add(l, cp.Lhs[j], defined)
			}
			list = append(list, d)
		case *ast.DeclStmt:
			gd, ok := st.Decl.(*ast.GenDecl)
			if !ok || gd.Tok != token.VAR {
				continue
			}
			for j, sp := range gd.Specs {
				vs, cs := sp.(*ast.ValueSpec), cp.(*ast.DeclStmt).Decl.(*ast.GenDecl).Specs[j].(*ast.ValueSpec)
				top[cs] = true
				d := &definition{pos: vs.Pos(), top: top, spec: &ast.ValueSpec{Type: cs.Type, Values: cs.Values}}
				for n := range vs.Names {
					d.add(vs.Names[n], cs.Names[n], defined)
				}
				list = append(list, d)
			}
		}
	}
	return list
}

// add takes one name of the statement's left side.
func (d *definition) add(original, copied ast.Expr, defined map[string]*ast.Ident) {
	id, name := original.(*ast.Ident), *copied.(*ast.Ident)
	name.Obj = nil
	if defined[id.Name] == id {
		d.ids = append(d.ids, id)
	} else {
		d.ids = append(d.ids, nil)
		name.Name = "_"
	}
	d.spec.Names = append(d.spec.Names, &name)
}

func unlabelled(st ast.Stmt) ast.Stmt {
	for {
		l, ok := st.(*ast.LabeledStmt)
		if !ok {
			return st
		}
		st = l.Stmt
	}
}

// topNames gives the names that a cell's statements define outside any block, in order.
func topNames(fn *ast.FuncDecl) (ids []*ast.Ident) {
	for _, st := range fn.Body.List {
		switch st := unlabelled(st).(type) {
		case *ast.AssignStmt:
			if st.Tok == token.DEFINE {
				for _, l := range st.Lhs {
					if id, ok := l.(*ast.Ident); ok && id.Name != "_" {
						ids = append(ids, id)
					}
				}
			}
		case *ast.DeclStmt:
			if gd, ok := st.Decl.(*ast.GenDecl); ok && gd.Tok == token.VAR {
				for _, sp := range gd.Specs {
					for _, id := range sp.(*ast.ValueSpec).Names {
						if id.Name != "_" {
							ids = append(ids, id)
						}
					}
				}
			}
		}
	}
	return ids
}
