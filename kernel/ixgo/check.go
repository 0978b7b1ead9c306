package ixgo

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/kernel/engine"
)

// checked is a cell with its types.
type checked struct {
	*source
	pkg  *types.Package
	info *types.Info

	// stands says what the objects in the package's scope that only carry a name
	// and a type stand for: a variable of an earlier cell, or, with nil, a variable of
	// this cell's statements that one of its functions uses.
	stands map[types.Object]*binding
	last   types.Type // of the last value of the call at the cell's end; nil: no call
	notes  []string
	vars   []hoisted // that the statements define, in order

	redo    []redefinition
	retyped bool // a type of an earlier cell is declared again
}

// hoisted is a variable of the statements: the name that it is called by, and the
// package variable that it became.
type hoisted struct {
	name string
	obj  *types.Var
	stmt token.Pos
}

func newInfo() *types.Info {
	return &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Scopes: map[ast.Node]*types.Scope{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Instances: map[*ast.Ident]types.Instance{}, FileVersions: map[*ast.File]string{},
	}
}

// check finds the types of a cell. Declarations of earlier cells that no longer
// compile beside it are dropped with a note.
func (e *Engine) check(s *source) (*checked, error) {
	var notes []string
	for {
		k, errs := e.checkShown(s)
		if len(errs) == 0 {
			k.notes = notes
			return k, nil
		}
		broken, why := brokenAgain(s, errs)
		if broken == nil {
			return nil, e.explain(s, errs)
		}
		notes = append(notes, fmt.Sprintf("%s of In[%d] no longer compiles and is forgotten: %s", strings.Join(broken.names, ", "), broken.cell, strings.ReplaceAll(why.Msg, "\n\t", "; ")))
		s.again = slices.DeleteFunc(s.again, func(d *decl) bool { return d == broken })
		s.dropped = append(s.dropped, broken)
		for _, n := range broken.names {
			delete(s.fresh, n)
		}
		if err := e.parseAgain(s); err != nil {
			return nil, err
		}
	}
}

// brokenAgain gives the first of the declarations compiled again that has an error.
func brokenAgain(s *source, errs []types.Error) (*decl, types.Error) {
	for _, err := range errs {
		for _, d := range s.file.Decls {
			if !within(d, err.Pos) {
				continue
			}
			if o := s.owner(d); o != nil && slices.Contains(s.again, o) {
				return o, err
			}
		}
	}
	return nil, types.Error{}
}

// checkShown checks a cell whose last statement's values are shown, where it has any.
func (e *Engine) checkShown(s *source) (*checked, []types.Error) {
	st, x := lastExpr(s)
	if st == nil {
		return e.checkBoth(s)
	}
	call := &ast.CallExpr{
		Fun:    &ast.SelectorExpr{X: &ast.Ident{Name: builtinName, NamePos: x.Pos()}, Sel: &ast.Ident{Name: "Result", NamePos: x.Pos()}},
		Lparen: x.Pos(), Args: []ast.Expr{x}, Rparen: x.End(),
	}
	st.X = call
	k, errs := e.checkBoth(s)
	if slices.ContainsFunc(errs, func(err types.Error) bool { return strings.Contains(err.Msg, "used as value") && within(x, err.Pos) }) {
		st.X = x
		return e.checkBoth(s)
	}
	if len(errs) > 0 {
		st.X = x // as the next attempt expects it
		return k, errs
	}
	if _, ok := x.(*ast.CallExpr); ok {
		k.last = k.info.TypeOf(x)
		if t, ok := k.last.(*types.Tuple); ok {
			k.last = t.At(t.Len() - 1).Type()
		}
	}
	return k, errs
}

func within(n ast.Node, p token.Pos) bool { return n.Pos() <= p && p <= n.End() }

// lastExpr gives the cell's last statement if it is an expression whose values are
// shown: those of the print functions are not.
func lastExpr(s *source) (*ast.ExprStmt, ast.Expr) {
	st, ok := s.lastStmt.(*ast.ExprStmt)
	if !ok {
		return nil, nil
	}
	if c, ok := st.X.(*ast.CallExpr); ok {
		if sel, ok := c.Fun.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == "fmt" && strings.Contains(strings.ToLower(sel.Sel.Name), "print") && !strings.HasPrefix(sel.Sel.Name, "S") && !strings.HasPrefix(sel.Sel.Name, "Append") {
				return nil, nil
			}
		}
	}
	return st, st.X
}

// checkBoth checks a cell whose declarations may use variables of its statements:
// these are declared for them, and the declarations are taken back afterwards.
func (e *Engine) checkBoth(s *source) (*checked, []types.Error) {
	early, err := e.declareEarly(s)
	if err != nil {
		return nil, []types.Error{{Fset: e.ctx.FileSet, Pos: s.entry.Pos(), Msg: err.Error()}}
	}
	if early == nil {
		return e.checkOnce(s, nil)
	}
	decls := s.file.Decls
	s.file.Decls = append(decls[:len(decls):len(decls)], early.decl)
	k, errs := e.checkOnce(s, early)
	s.file.Decls = decls
	var own, copies []types.Error // what is wrong in a copy is wrong in the statements
	for _, err := range errs {
		switch {
		case strings.Contains(err.Msg, "initialization cycle"):
		case early.file.FileStart <= err.Pos && err.Pos <= early.file.FileEnd:
			copies = append(copies, err)
		default:
			own = append(own, err)
		}
	}
	if errs = own; len(errs) == 0 {
		for n := range early.names {
			if o := k.pkg.Scope().Lookup(n); o != nil && o.Type() == types.Typ[types.Invalid] {
				errs = copies
			}
		}
	}
	for id, o := range k.info.Uses {
		b, known := k.stands[o]
		if !known || b != nil || !within(s.entry, id.Pos()) {
			continue
		}
		old := e.live[id.Name] // used before this cell's own definition
		if old != nil && types.Identical(old.obj.Type(), o.Type()) {
			k.stands[k.alias(id, o)] = old
			continue
		}
		errs = append(errs, types.Error{Fset: e.ctx.FileSet, Pos: id.Pos(), Msg: fmt.Sprintf("%s is used before this cell defines it; put what comes before into a cell of its own", id.Name)})
	}
	return k, errs
}

// alias lets one use of an object stand for something else.
func (k *checked) alias(id *ast.Ident, o types.Object) types.Object {
	v := types.NewVar(o.Pos(), k.pkg, id.Name, o.Type())
	k.info.Uses[id] = v
	return v
}

func (e *Engine) checkOnce(s *source, early *early) (*checked, []types.Error) {
	k := &checked{source: s, pkg: types.NewPackage(mainPath, "main"), info: newInfo(), stands: map[types.Object]*binding{}}
	scope := k.pkg.Scope()
	wanted := map[string]bool{}
	if early != nil {
		wanted = early.names
		for n := range early.old {
			b := e.live[n]
			o := types.NewVar(b.obj.Pos(), b.obj.Pkg(), n+oldMark, b.obj.Type())
			k.stands[o] = b
			scope.Insert(o)
		}
	}
	gone := map[string]bool{}
	for _, d := range s.dropped {
		for _, n := range d.names {
			gone[n] = true
		}
	}
	for n, b := range e.live {
		switch {
		case s.fresh[n] || gone[n] || wanted[n] || slices.Contains(s.needed, n):
		case b.decl == nil:
			o := types.NewVar(b.obj.Pos(), b.obj.Pkg(), n, b.obj.Type())
			k.stands[o] = b
			scope.Insert(o)
		default:
			scope.Insert(b.obj)
		}
	}
	e.scopeBuiltins(scope, func(n string) bool { return s.fresh[n] || wanted[n] || e.live[n] != nil && !gone[n] })
	var errs []types.Error
	conf := e.conf
	conf.Error = func(err error) {
		if te, ok := err.(types.Error); ok && !(te.Soft && strings.Contains(te.Msg, "declared and not used")) {
			errs = append(errs, te)
		}
	}
	types.NewChecker(&conf, e.ctx.FileSet, k.pkg, k.info).Files([]*ast.File{s.file})
	if k.keyed(errs) {
		return e.checkOnce(s, early)
	}
	for n := range wanted {
		if o := scope.Lookup(n); o != nil {
			k.stands[o] = nil
		}
	}
	return k, errs
}

// keyed gives the elements of struct literals their fields' names where the checker
// refuses them without: to it, a struct of an earlier cell is another package's, whose
// unexported fields may only be set by name.
func (k *checked) keyed(errs []types.Error) (changed bool) {
	for _, err := range errs {
		if !strings.HasPrefix(err.Msg, "implicit assignment to unexported field") {
			continue
		}
		ast.Inspect(k.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) == 0 || !slices.ContainsFunc(lit.Elts, func(x ast.Expr) bool { return x.Pos() == err.Pos }) {
				return true
			}
			t := k.info.TypeOf(lit).Underlying()
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem().Underlying()
			}
			st, ok := t.(*types.Struct)
			if !ok || st.NumFields() != len(lit.Elts) {
				return true
			}
			for i, x := range lit.Elts {
				f := st.Field(i)
				if _, named := x.(*ast.KeyValueExpr); named || f.Pkg() == nil || f.Pkg().Path() != mainPath {
					return true
				}
				lit.Elts[i] = &ast.KeyValueExpr{Key: &ast.Ident{Name: f.Name(), NamePos: x.Pos()}, Colon: x.Pos(), Value: x}
				changed = true
			}
			return true
		})
	}
	return changed
}

// explain makes the cell's error of the checker's.
func (e *Engine) explain(s *source, errs []types.Error) error {
	first := errs[0]
	for _, err := range errs {
		if err.Fset.Position(err.Pos).Filename == s.cell.File() {
			first = err
			break
		}
	}
	p := first.Fset.Position(first.Pos)
	msg := strings.ReplaceAll(first.Msg, builtinName+".", "")
	msg = strings.ReplaceAll(msg, " in argument to Result", "")
	return &engine.Error{Kind: engine.CompileError, Message: msg, File: p.Filename, Line: p.Line, Col: p.Column}
}
