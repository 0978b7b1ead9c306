package ixgo

import (
	"go/ast"
	"go/types"

	"github.com/tunelab/tunelab/kernel/engine"
)

// refuse finds what the interpreter would run wrongly.
func (e *Engine) refuse(k *checked) error { return e.refuseIn(k.info, k.file) }

func (e *Engine) refuseIn(info *types.Info, files ...*ast.File) error {
	var err error
	say := func(n ast.Node, message string) {
		if err == nil {
			p := e.ctx.FileSet.Position(n.Pos())
			err = &engine.Error{Kind: engine.Refused, Message: message, File: p.Filename, Line: p.Line, Col: p.Column}
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			r, ok := n.(*ast.RangeStmt)
			if !ok {
				return true
			}
			if _, iterator := info.TypeOf(r.X).Underlying().(*types.Signature); iterator {
				if d := deferIn(r.Body); d != nil {
					say(d, "defer in the body of a range over a function would never run here: put the body into a function of its own")
				}
			}
			return true
		})
	}
	return err
}

// deferIn gives a defer statement of a body that belongs to the function around it.
func deferIn(body *ast.BlockStmt) (found *ast.DeferStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			if found == nil {
				found = n
			}
		}
		return true
	})
	return found
}
