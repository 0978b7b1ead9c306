package ixgo

import (
	"go/types"
	"reflect"
	"sync"

	"github.com/goplus/ixgo"
	"golang.org/x/tools/go/types/typeutil"
)

// pins is a loader that remembers which reflect.Type a type of a cell became, so
// that later interpreters take the same: values of it lie in variables.
type pins struct {
	ixgo.Loader
	mu   sync.RWMutex
	to   typeutil.Map // *types.Named -> reflect.Type; instances of a generic type by identity
	from map[reflect.Type]types.Type
	also map[string]string // interpreted packages beside those of cells
}

func newPins(l ixgo.Loader) *pins { return &pins{Loader: l, from: map[reflect.Type]types.Type{}} }

func (p *pins) LookupReflect(t types.Type) (reflect.Type, bool) {
	if n, ok := types.Unalias(t).(*types.Named); ok {
		p.mu.RLock()
		rt, ok := p.to.At(n).(reflect.Type)
		p.mu.RUnlock()
		if ok {
			return rt, true
		}
	}
	return p.Loader.LookupReflect(t)
}

func (p *pins) LookupTypes(t reflect.Type) (types.Type, bool) {
	p.mu.RLock()
	n, ok := p.from[t]
	p.mu.RUnlock()
	if ok {
		return n, true
	}
	return p.Loader.LookupTypes(t)
}

// pin walks a type and what it became side by side, and remembers the named types
// of cells in it.
func (p *pins) pin(t types.Type, rt reflect.Type) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.walk(t, rt, map[types.Type]bool{})
}

func (p *pins) walk(t types.Type, rt reflect.Type, seen map[types.Type]bool) {
	t = types.Unalias(t)
	if rt == nil || seen[t] {
		return
	}
	seen[t] = true
	if n, ok := t.(*types.Named); ok {
		pkg := n.Obj().Pkg()
		if pkg == nil {
			return
		}
		if _, own := p.also[pkg.Path()]; !own && pkg.Path() != mainPath {
			return
		}
		if p.to.At(n) == nil {
			p.to.Set(n, rt)
			p.from[rt] = n
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		if rt.Kind() == reflect.Pointer {
			p.walk(u.Elem(), rt.Elem(), seen)
		}
	case *types.Slice:
		p.walk(u.Elem(), rt.Elem(), seen)
	case *types.Array:
		p.walk(u.Elem(), rt.Elem(), seen)
	case *types.Chan:
		p.walk(u.Elem(), rt.Elem(), seen)
	case *types.Map:
		p.walk(u.Key(), rt.Key(), seen)
		p.walk(u.Elem(), rt.Elem(), seen)
	case *types.Struct:
		for i := 0; i < u.NumFields() && rt.Kind() == reflect.Struct && u.NumFields() == rt.NumField(); i++ {
			p.walk(u.Field(i).Type(), rt.Field(i).Type, seen)
		}
	case *types.Signature:
		for i := range u.Params().Len() {
			p.walk(u.Params().At(i).Type(), rt.In(i), seen)
		}
		for i := range u.Results().Len() {
			p.walk(u.Results().At(i).Type(), rt.Out(i), seen)
		}
	}
}
