package ixgo

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ast/astutil"
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

// guardErrors makes call statements whose last value is an error hand it to Ignored:
// those of the cell's statements, also in their blocks, but not in functions. It tells
// whether there are any; then the cell must be checked again.
func (e *Engine) guardErrors(k *checked) (any bool) {
	astutil.Apply(k.entry.Body, func(c *astutil.Cursor) bool {
		if _, ok := c.Node().(*ast.FuncLit); ok {
			return false
		}
		st, ok := c.Node().(*ast.ExprStmt)
		if !ok || c.Name() == "Init" || c.Name() == "Post" { // of an if, for or switch
			return true
		}
		call, ok := st.X.(*ast.CallExpr)
		if !ok || prints(call) || !endsInError(k.info.TypeOf(call)) {
			return true
		}
		c.Replace(e.guarded(call, k.info.TypeOf(call)))
		any = true
		return false
	}, nil)
	return any
}

// guarded is: if _, err := call; err != nil { Ignored(place, err) }.
func (e *Engine) guarded(call *ast.CallExpr, t types.Type) ast.Stmt {
	at := call.Pos()
	name := func(n string) *ast.Ident { return &ast.Ident{Name: n, NamePos: at} }
	const err = "err" + sep
	values := []ast.Expr{name(err)}
	if many, ok := t.(*types.Tuple); ok {
		for range many.Len() - 1 {
			values = append([]ast.Expr{name("_")}, values...)
		}
	}
	p := e.ctx.FileSet.Position(at)
	place := &ast.BasicLit{Kind: token.STRING, ValuePos: at, Value: strconv.Quote(fmt.Sprintf("%s:%d:%d", p.Filename, p.Line, p.Column))}
	note := &ast.CallExpr{Fun: &ast.SelectorExpr{X: name(builtinName), Sel: name("Ignored")}, Lparen: at, Args: []ast.Expr{place, name(err)}, Rparen: at}
	return &ast.IfStmt{
		If:   at,
		Init: &ast.AssignStmt{Lhs: values, TokPos: at, Tok: token.DEFINE, Rhs: []ast.Expr{call}},
		Cond: &ast.BinaryExpr{X: name(err), OpPos: at, Op: token.NEQ, Y: name("nil")},
		Body: &ast.BlockStmt{Lbrace: at, List: []ast.Stmt{&ast.ExprStmt{X: note}}, Rbrace: call.End()},
	}
}

func endsInError(t types.Type) bool {
	if many, ok := t.(*types.Tuple); ok && many.Len() > 0 {
		t = many.At(many.Len() - 1).Type()
	}
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}

// ignored notes the error that the call statement at a place returned: once in a
// cell, so that a loop does not fill the page.
func (e *Engine) ignored(at string, err error) {
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
