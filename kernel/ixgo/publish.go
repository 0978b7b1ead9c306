package ixgo

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"
)

// publish makes what a cell declared part of the session.
func (e *Engine) publish(k *checked) {
	for _, d := range k.dropped {
		for _, n := range d.names {
			delete(e.live, n)
		}
	}
	e.adopt(k.imports)
	all := slices.Concat(k.again, k.decls)
	for _, d := range all {
		d.uses = map[string]bool{}
	}
	for _, fd := range k.file.Decls {
		d := k.owner(fd)
		if d == nil {
			continue
		}
		ast.Inspect(fd, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if o := k.info.ObjectOf(id); o != nil && o.Pkg() != nil && o.Pkg().Path() == mainPath && packageLevel(o, k.pkg) {
					d.uses[plain(o.Name())] = true
				}
			}
			return true
		})
	}
	for _, d := range all {
		for _, n := range d.names {
			delete(d.uses, n)
			if o := k.pkg.Scope().Lookup(n); o != nil {
				if old := e.live[n]; old != nil {
					_, isType := old.obj.(*types.TypeName)
					k.retyped = k.retyped || isType
				}
				e.live[n] = &binding{obj: o, cell: d.cell, decl: d}
				delete(e.imports, n)
			}
		}
	}
	for _, v := range k.vars {
		if old := e.live[v.name]; old != nil && old.decl == nil && old.cell != k.cell.N {
			k.redo = append(k.redo, redefinition{v.name, old, v.stmt})
		}
		e.live[v.name] = &binding{obj: v.obj, cell: k.cell.N}
		delete(e.imports, v.name)
	}
}

// adopt makes a cell's imports the session's: a new one takes its name from what had it.
func (e *Engine) adopt(imports map[string]string) {
	for n, path := range imports {
		if e.imports[n] != path {
			delete(e.live, n)
		}
	}
	e.imports = imports
}

// forget lets go the cells that nothing live needs any more.
func (e *Engine) forget() {
	needed := map[*types.Package]bool{}
	var need func(p *types.Package)
	need = func(p *types.Package) {
		if c := e.cells[p]; c != nil && !needed[p] {
			needed[p] = true
			for d := range c.deps {
				need(d)
			}
		}
	}
	for _, b := range e.live {
		need(b.obj.Pkg())
	}
	maps.DeleteFunc(e.cells, func(p *types.Package, _ *built) bool { return !needed[p] })
}

// packageLevel tells what cells declare from what is local to a function: the
// variables made by hoist have no scope at all.
func packageLevel(o types.Object, pkg *types.Package) bool {
	if v, ok := o.(*types.Var); ok {
		return !v.IsField() && hoistedName(v.Name())
	}
	return o.Parent() == o.Pkg().Scope() || o.Parent() == pkg.Scope()
}
