package ixgo

import (
	"fmt"
	"go/types"
	"maps"
	"reflect"
	"slices"

	"github.com/tunelab/tunelab/kernel/engine"
)

// A cell that adds a method to a type, or declares something that a type uses anew,
// makes a new type of that name. Variables that are alive would keep the old one, and
// have no such method. migrate gives them the new type at their old address, where
// their values mean the same: the types differ in nothing but names and methods.
func (e *Engine) migrate(c engine.Cell) {
	for _, name := range slices.Sorted(maps.Keys(e.live)) {
		b := e.live[name]
		if b.decl != nil || !e.outdated(b.obj.Type()) {
			continue
		}
		key := mainPath + "." + b.obj.Name()
		old, ok := override(e.ctx, key)
		if !ok {
			continue
		}
		s, err := e.generate(engine.Cell{N: c.N, Code: fmt.Sprintf("var %s %s", name, types.TypeString(b.obj.Type(), qualify))})
		if err != nil || s.file == nil {
			continue // a type that has no name here
		}
		s.again = nil // what uses the variable may go on with the old type until it is compiled again
		k, err := e.check(s)
		if err != nil {
			continue
		}
		e.hoist(k)
		v := k.vars[0].obj
		if _, err := e.build(k); err != nil {
			continue
		}
		at := mainPath + "." + v.Name()
		p, _ := override(e.ctx, at)
		rt := p.Type().Elem()
		if !sameLayout(old.Type().Elem(), rt, map[[2]reflect.Type]bool{}) {
			continue
		}
		setOverride(e.ctx, map[string]any{at: reflect.NewAt(rt, old.UnsafePointer()).Interface()})
		e.live[name] = &binding{obj: v, cell: b.cell}
		e.recompile(c, name)
	}
}

// recompile brings the functions that use a migrated variable to its new type.
func (e *Engine) recompile(c engine.Cell, name string) {
	again := e.dependents(map[string]bool{name: true}, nil)
	if len(again) == 0 {
		return
	}
	s := &source{cell: c, imports: maps.Clone(e.imports), fresh: map[string]bool{}, again: again}
	if e.parseAgain(s) != nil {
		return
	}
	k, err := e.check(s)
	if err != nil {
		return
	}
	e.hoist(k)
	if _, err := e.build(k); err == nil {
		e.publish(k)
	}
}

// outdated tells whether a type mentions a named type of a cell that was declared again.
func (e *Engine) outdated(t types.Type) bool {
	old := false
	mentionNamed(t, func(n *types.Named) {
		o := n.Origin().Obj()
		if o.Pkg() == nil || o.Pkg().Path() != mainPath || o.Parent() != o.Pkg().Scope() {
			return
		}
		if b := e.live[o.Name()]; b != nil && b.obj != types.Object(o) {
			_, isType := b.obj.(*types.TypeName)
			old = old || isType
		}
	}, map[types.Type]bool{})
	return old
}

// sameLayout tells whether values of two types mean the same in memory. Functions do
// not: their code was compiled for one of the types.
func sameLayout(a, b reflect.Type, seen map[[2]reflect.Type]bool) bool {
	if a == b || seen[[2]reflect.Type{a, b}] {
		return true
	}
	seen[[2]reflect.Type{a, b}] = true
	if a.Kind() != b.Kind() || a.Size() != b.Size() {
		return false
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Chan:
		return sameLayout(a.Elem(), b.Elem(), seen)
	case reflect.Array:
		return a.Len() == b.Len() && sameLayout(a.Elem(), b.Elem(), seen)
	case reflect.Map:
		return sameLayout(a.Key(), b.Key(), seen) && sameLayout(a.Elem(), b.Elem(), seen)
	case reflect.Struct:
		if a.NumField() != b.NumField() {
			return false
		}
		for i := range a.NumField() {
			if f, g := a.Field(i), b.Field(i); f.Name != g.Name || f.Offset != g.Offset || !sameLayout(f.Type, g.Type, seen) {
				return false
			}
		}
		return true
	case reflect.Func, reflect.Interface:
		return false
	}
	return true
}
