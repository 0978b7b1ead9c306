package ixgo

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// prints tells a call of a print function, whose values nobody wants.
func prints(x ast.Expr) bool {
	c, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == "fmt" && strings.Contains(strings.ToLower(sel.Sel.Name), "print") && !strings.HasPrefix(sel.Sel.Name, "S") && !strings.HasPrefix(sel.Sel.Name, "Append")
}

// guardErrors hands the values of call statements whose last one is an error to
// Ignoring: those of the cell's statements, also in their blocks, but not in functions.
// It tells whether there are any; then the cell must be checked again.
func (e *Engine) guardErrors(k *checked) (any bool) {
	ast.Inspect(k.entry.Body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		st, ok := n.(*ast.ExprStmt)
		if !ok {
			return true
		}
		call, ok := st.X.(*ast.CallExpr)
		if !ok || prints(call) || !endsInError(k.info.TypeOf(call)) {
			return true
		}
		p := e.ctx.FileSet.Position(call.Pos())
		at := &ast.BasicLit{Kind: token.STRING, ValuePos: call.Pos(), Value: strconv.Quote(fmt.Sprintf("%s:%d:%d", p.Filename, p.Line, p.Column))}
		ignoring := &ast.SelectorExpr{X: &ast.Ident{Name: builtinName, NamePos: call.Pos()}, Sel: &ast.Ident{Name: "Ignoring", NamePos: call.Pos()}}
		st.X = &ast.CallExpr{
			Fun:    &ast.CallExpr{Fun: ignoring, Lparen: call.Pos(), Args: []ast.Expr{at}, Rparen: call.Pos()},
			Lparen: call.Pos(), Args: []ast.Expr{call}, Rparen: call.End(),
		}
		any = true
		return true
	})
	return any
}

func endsInError(t types.Type) bool {
	if many, ok := t.(*types.Tuple); ok && many.Len() > 0 {
		t = many.At(many.Len() - 1).Type()
	}
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}

// ignoring notes the error that the call statement at a place returned: once in a
// cell, so that a loop does not fill the page.
func (e *Engine) ignoring(at string) func(...any) {
	return func(values ...any) {
		err, ok := values[len(values)-1].(error)
		if !ok {
			return
		}
		e.mu.Lock()
		again := e.run.ignored[at]
		if e.run.ignored == nil {
			e.run.ignored = map[string]bool{}
		}
		e.run.ignored[at] = true
		e.mu.Unlock()
		if !again {
			e.host.Note(fmt.Sprintf("%s: ignored error: %v", at, err))
		}
	}
}
