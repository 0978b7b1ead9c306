package ixgo

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// hoist makes package variables of the local variables that the cell's statements
// define outside any block, so that its functions and later cells reach them. Only the
// checker's result changes: definitions become assignments.
func (e *Engine) hoist(k *checked) {
	replace := map[types.Object]types.Object{}
	defined := map[string]int{}
	last := map[string]types.Object{}
	vars := &ast.GenDecl{Tok: token.VAR, TokPos: k.file.End()}
	var stmt ast.Stmt // the one at hand
	global := func(id *ast.Ident) {
		o, ok := k.info.Defs[id].(*types.Var)
		if !ok {
			return // defined before in this cell: an assignment already
		}
		delete(k.info.Defs, id)
		if id.Name == "_" {
			return
		}
		name := fmt.Sprintf("%s%s%d", id.Name, sep, k.cell.N)
		if defined[id.Name]++; defined[id.Name] > 1 {
			name += fmt.Sprintf("%s%d", sep, defined[id.Name])
		}
		v := types.NewVar(id.Pos(), k.pkg, name, o.Type())
		decl := &ast.Ident{Name: name, NamePos: id.Pos()}
		k.info.Defs[decl] = v
		k.info.Uses[id] = v
		replace[o] = v
		last[id.Name] = v
		vars.Specs = append(vars.Specs, &ast.ValueSpec{Names: []*ast.Ident{decl}})
		k.vars = append(k.vars, hoisted{id.Name, v, stmt.Pos()})
	}
	list := k.entry.Body.List
	for i, st := range list {
		stmt = st
		at := &list[i]
		for {
			l, ok := st.(*ast.LabeledStmt)
			if !ok {
				break
			}
			at, st = &l.Stmt, l.Stmt
		}
		switch s := st.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				s.Tok = token.ASSIGN
				for _, l := range s.Lhs {
					global(l.(*ast.Ident))
				}
			}
		case *ast.DeclStmt:
			if gd, ok := s.Decl.(*ast.GenDecl); ok && gd.Tok == token.VAR {
				*at = assignments(gd)
				for _, sp := range gd.Specs {
					for _, id := range sp.(*ast.ValueSpec).Names {
						global(id)
					}
				}
			}
		}
	}
	for o, b := range k.stands {
		if b != nil {
			replace[o] = b.obj
		} else {
			replace[o] = last[o.Name()]
		}
	}
	for id, o := range k.info.Uses {
		if r, ok := replace[o]; ok {
			k.info.Uses[id] = r
		}
	}
	k.info.InitOrder = nil
	if len(vars.Specs) > 0 {
		k.file.Decls = append(k.file.Decls, vars)
	}
}

// assignments are the statements that give a var declaration's variables their values.
func assignments(gd *ast.GenDecl) ast.Stmt {
	var list []ast.Stmt
	for _, sp := range gd.Specs {
		vs := sp.(*ast.ValueSpec)
		if len(vs.Values) == 0 {
			continue
		}
		var lhs []ast.Expr
		for _, n := range vs.Names {
			lhs = append(lhs, n)
		}
		list = append(list, &ast.AssignStmt{Lhs: lhs, Tok: token.ASSIGN, TokPos: vs.Pos(), Rhs: vs.Values})
	}
	switch len(list) {
	case 0:
		return &ast.EmptyStmt{Semicolon: gd.Pos(), Implicit: true}
	case 1:
		return list[0]
	}
	return &ast.BlockStmt{Lbrace: gd.Pos(), List: list, Rbrace: gd.End()}
}
