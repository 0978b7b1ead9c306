package ixgo

import (
	"fmt"
	"go/ast"
	"go/types"
	"reflect"
	"slices"
	"strings"

	"github.com/goplus/ixgo"
	"golang.org/x/tools/go/ssa"

	"github.com/tunelab/tunelab/kernel/engine"
)

// built is a cell as later cells need it: its declarations, and the cells that these use.
type built struct {
	source *ixgo.SourcePackage
	deps   map[*types.Package]bool
}

// program is a cell that can run.
type program struct {
	interp *ixgo.Interp
	entry  string
	last   types.Type
	notes  []string
	redo   []redefinition
	done   *done
}

// build makes the SSA of a cell and of the earlier cells that it uses, and an
// interpreter over them. The new variables' addresses are handed on to later cells.
func (e *Engine) build(k *checked) (*program, error) {
	sp := &ixgo.SourcePackage{Context: e.ctx, Package: k.pkg, Info: k.info, Files: []*ast.File{k.file}}
	e.ctx.Builder = ixgo.NewSSABuilder(e.ctx)
	done := map[*types.Package]bool{k.pkg: true}
	var buildAll func(deps map[*types.Package]bool) error
	buildAll = func(deps map[*types.Package]bool) error {
		for p := range deps {
			if done[p] {
				continue
			}
			done[p] = true
			c := e.cells[p]
			if err := buildAll(c.deps); err != nil {
				return err
			}
			if _, err := e.ctx.Builder.BuildMain(c.source); err != nil {
				return err
			}
		}
		return nil
	}
	if err := buildAll(e.uses(k, k.file.Decls)); err != nil {
		return nil, err
	}
	e.ctx.Builder.BuildPackages(k.reached())
	mp, err := e.ctx.Builder.BuildMain(sp)
	if err != nil {
		return nil, err
	}
	ip, err := e.ctx.NewInterp(mp)
	if err != nil {
		return nil, &engine.Error{Kind: engine.Refused, Message: err.Error()}
	}
	if err := e.carried(ip); err != nil {
		return nil, err
	}
	addresses := map[string]any{}
	for name, m := range mp.Members {
		switch m := m.(type) {
		case *ssa.Type:
			if n, ok := m.Type().(*types.Named); ok && n.TypeParams().Len() == 0 {
				if rt, ok := ip.GetType(name); ok {
					e.pins.pin(n, rt)
				}
			}
		case *ssa.Global:
			if p, ok := ip.GetVarAddr(name); ok && name != "init$guard" {
				addresses[mainPath+"."+name] = p
				e.pins.pin(m.Object().Type(), reflect.TypeOf(p).Elem())
			}
		}
	}
	setOverride(e.ctx, addresses)
	e.carryPackages(ip, mp.Prog)
	k.trim()
	e.cells[k.pkg] = &built{source: sp, deps: e.uses(k, k.file.Decls)}
	return &program{interp: ip, entry: entryName(k.cell), last: k.last, notes: k.notes}, nil
}

// reached gives the packages whose methods and fields a cell uses, in order: a cell
// that has a value of an earlier one's need not import its package.
func (k *checked) reached() (list []*types.Package) {
	found := map[*types.Package]bool{k.pkg: true}
	for _, s := range k.info.Selections {
		if p := s.Obj().Pkg(); p != nil && p.Path() != mainPath && !found[p] {
			found[p] = true
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *types.Package) int { return strings.Compare(a.Path(), b.Path()) })
	return list
}

// trim takes the statements out of a cell that is built: later cells need only what
// it declared.
func (k *checked) trim() {
	decls := k.file.Decls[:0:0]
	for _, d := range k.file.Decls {
		if d != ast.Decl(k.entry) {
			decls = append(decls, d)
		}
	}
	k.file.Decls = decls
}

// carried makes sure that the interpreter took the storage of every variable of
// the packages in it: with another one the code would see zeroes.
func (e *Engine) carried(ip *ixgo.Interp) error {
	for it := globals(ip).MapRange(); it.Next(); {
		name := it.Key().String()
		if p, ok := override(e.ctx, name); ok && it.Value().Elem().Pointer() != p.Pointer() {
			return &engine.Error{Kind: engine.Refused, Message: fmt.Sprintf("the variable %s can't be used in another cell: its type %s is not the same there", plain(name), p.Type().Elem())}
		}
	}
	return nil
}

// uses gives the cells whose objects or types some declarations mention.
func (e *Engine) uses(k *checked, decls []ast.Decl) map[*types.Package]bool {
	found := map[*types.Package]bool{}
	add := func(p *types.Package) {
		if p != nil && p != k.pkg && e.cells[p] != nil {
			found[p] = true
		}
	}
	seen := map[types.Type]bool{}
	for _, d := range decls {
		ast.Inspect(d, func(n ast.Node) bool {
			if x, ok := n.(ast.Expr); ok {
				mention(k.info.TypeOf(x), add, seen)
			}
			switch n := n.(type) {
			case *ast.Ident:
				if o := k.info.ObjectOf(n); o != nil {
					add(o.Pkg())
					mention(o.Type(), add, seen)
				}
			case *ast.SelectorExpr:
				if s := k.info.Selections[n]; s != nil {
					add(s.Obj().Pkg())
				}
			}
			return true
		})
	}
	return found
}

// mention calls add with the package of every named type in t.
func mention(t types.Type, add func(*types.Package), seen map[types.Type]bool) {
	mentionNamed(t, func(n *types.Named) { add(n.Obj().Pkg()) }, seen)
}

// mentionNamed calls f with every named type in t, but not with those inside them.
func mentionNamed(t types.Type, f func(*types.Named), seen map[types.Type]bool) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	mention := func(t types.Type) { mentionNamed(t, f, seen) }
	switch t := t.(type) {
	case *types.Named:
		f(t)
		for i := range t.TypeArgs().Len() {
			mention(t.TypeArgs().At(i))
		}
	case *types.Alias:
		mention(types.Unalias(t))
	case *types.Pointer:
		mention(t.Elem())
	case *types.Slice:
		mention(t.Elem())
	case *types.Array:
		mention(t.Elem())
	case *types.Chan:
		mention(t.Elem())
	case *types.Map:
		mention(t.Key())
		mention(t.Elem())
	case *types.Tuple:
		for i := range t.Len() {
			mention(t.At(i).Type())
		}
	case *types.Signature:
		mention(t.Params())
		mention(t.Results())
	case *types.Struct:
		for i := range t.NumFields() {
			mention(t.Field(i).Type())
		}
	case *types.Interface:
		for i := range t.NumMethods() {
			mention(t.Method(i).Type())
		}
	}
}
