package ixgo

import (
	"fmt"
	"maps"
	"reflect"
	"unsafe"

	"github.com/goplus/ixgo"
)

// This file is the only one that reaches into unexported fields of ixgo v1.1.1; a
// test fails when they are no longer what is expected here.

// field gives a field of what p points to, readable and settable.
func field(p any, name string) reflect.Value {
	f := reflect.ValueOf(p).Elem().FieldByName(name)
	if !f.IsValid() {
		panic(fmt.Sprintf("%T has no field %s: the engine fits another version of ixgo", p, name))
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

// setOverride adds functions and addresses of variables to what the interpreters of a
// context find by name. A new map takes the old one's place, because goroutines of
// earlier cells read it.
func setOverride(ctx *ixgo.Context, more map[string]any) {
	f := field(ctx, "override")
	m := maps.Clone(f.Interface().(map[string]reflect.Value))
	for k, v := range more {
		m[k] = reflect.ValueOf(v)
	}
	f.Set(reflect.ValueOf(m))
}

// dropOverride takes one of them away.
func dropOverride(ctx *ixgo.Context, name string) {
	f := field(ctx, "override")
	m := maps.Clone(f.Interface().(map[string]reflect.Value))
	delete(m, name)
	f.Set(reflect.ValueOf(m))
}

// override gives the address of a variable, if there is one.
func override(ctx *ixgo.Context, name string) (reflect.Value, bool) {
	v, ok := field(ctx, "override").Interface().(map[string]reflect.Value)[name]
	return v, ok
}

// setPanics makes an interpreter send the panics of its goroutines to a channel.
func setPanics(ip *ixgo.Interp, ch chan ixgo.PanicError) {
	field(ip, "cherror").Set(reflect.ValueOf(ch))
}

// globals are the addresses of an interpreter's package variables, by path.name.
func globals(ip *ixgo.Interp) reflect.Value { return field(ip, "globals") }

// code gives the instructions of every function of an interpreter. Each slice is the
// one that runs: what is stored in it is what runs next.
func code(ip *ixgo.Interp) [][]func(*ixgo.Frame) {
	funcs := field(ip, "funcs")
	list := make([][]func(*ixgo.Frame), 0, funcs.Len())
	for it := funcs.MapRange(); it.Next(); {
		f := it.Value().Elem().FieldByName("Instrs")
		list = append(list, reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().Interface().([]func(*ixgo.Frame)))
	}
	return list
}
