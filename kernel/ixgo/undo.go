package ixgo

import (
	"go/ast"
	"go/token"
	"strconv"

	"github.com/tunelab/tunelab/kernel/engine"
)

// redefinition is a variable of an earlier cell whose name a cell defines anew. Where
// the cell ends before it comes there, by a panic or an interrupt, the old one stays.
type redefinition struct {
	name string
	old  *binding
	stmt token.Pos
}

// statements brings redefinitions from positions to the numbers that the statements
// report when they are done.
func (k *checked) statements(redo []redefinition) []redefinition {
	for i, r := range redo {
		for n, st := range k.entry.Body.List {
			if st.Pos() <= r.stmt {
				redo[i].stmt = token.Pos(n + 1)
			}
		}
	}
	return redo
}

// reportDefinitions puts a call behind each statement that defines something, which
// tells the engine how far the cell came.
func reportDefinitions(fn *ast.FuncDecl) {
	var list []ast.Stmt
	for _, st := range fn.Body.List {
		list = append(list, st)
		if len(topNames(&ast.FuncDecl{Body: &ast.BlockStmt{List: []ast.Stmt{st}}})) == 0 {
			continue
		}
		at := st.End()
		list = append(list, &ast.ExprStmt{X: &ast.CallExpr{
			Fun:    &ast.SelectorExpr{X: &ast.Ident{Name: builtinName, NamePos: at}, Sel: &ast.Ident{Name: "Reached", NamePos: at}},
			Lparen: at, Args: []ast.Expr{&ast.BasicLit{ValuePos: at, Kind: token.INT, Value: strconv.Itoa(len(list))}}, Rparen: at,
		}})
	}
	fn.Body.List = list
}

// undo gives the names back whose definitions were not reached.
func (e *Engine) undo(c engine.Cell, p *program) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range p.redo {
		if b := e.live[r.name]; e.run.reached < int(r.stmt) && b != nil && b.cell == c.N {
			e.live[r.name] = r.old
			e.recompile(c, r.name)
		} else {
			dropOverride(e.ctx, mainPath+"."+r.old.obj.Name()) // its value may be large
		}
	}
	e.forget()
}
