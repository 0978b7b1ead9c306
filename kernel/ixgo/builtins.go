package ixgo

import (
	"context"
	"errors"
	"fmt"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/goplus/ixgo"
)

const (
	mainPath    = "main"
	sep         = "ᐧ" // a letter to Go, that nobody types: it marks the engine's own names
	builtinPath = "tunelab/cell"
	builtinName = "kernel" + sep
)

// What a cell may call without importing anything.
var builtins = []string{"Display", "Input", "input", "Password"}

func init() {
	p := &ixgo.Package{
		Name: "cell", Path: builtinPath, Deps: map[string]string{},
		Interfaces: map[string]reflect.Type{}, NamedTypes: map[string]reflect.Type{}, AliasTypes: map[string]reflect.Type{},
		Vars: map[string]reflect.Value{}, Funcs: map[string]reflect.Value{},
		TypedConsts: map[string]ixgo.TypedConst{}, UntypedConsts: map[string]ixgo.UntypedConst{},
	}
	for name, f := range (&Engine{}).functions() { // only their types matter here: see registerBuiltins
		p.Funcs[name] = reflect.ValueOf(f)
	}
	ixgo.RegisterPackage(p)
}

// functions are the builtins, and what generated code calls, bound to this session.
func (e *Engine) functions() map[string]any {
	input := func(secret bool) func(...any) string {
		return func(prompt ...any) string {
			s, err := e.host.Input(fmt.Sprint(prompt...), secret)
			if errors.Is(err, context.Canceled) {
				panic(stop{errInterrupted})
			}
			if err != nil {
				panic(stop{fmt.Errorf("reading input: %w", err)})
			}
			return s
		}
	}
	var start time.Time
	return map[string]any{
		"Reached": func(statement int) {
			e.mu.Lock()
			e.run.reached = statement
			e.mu.Unlock()
		},
		"Result":  func(values ...any) { e.result(values) },
		"Ignored": e.ignored,
		"Display": func(values ...any) error { // gophernotes' has the result: it is nil
			for _, v := range values {
				e.host.Show(v)
			}
			return nil
		},
		"Input":    input(false),
		"input":    input(false),
		"Password": input(true),
		"Command": func(line string, shell bool) {
			if err := e.host.Command(line, shell); err != nil {
				panic(stop{err})
			}
		},
		"Compiled": func(cell int, name string, args, results []any) {
			if err := e.host.Compiled(cell, name, args, results); err != nil {
				panic(stop{err})
			}
		},
		"Start": func() { start = time.Now() },
		"Stop":  func() { e.host.Note("time: " + took(time.Since(start))) },
		"Repeat": func(f func()) {
			f() // what the first call sets up is no part of the measure
			r := testing.Benchmark(func(b *testing.B) {
				for range b.N {
					f()
				}
			})
			e.host.Note(fmt.Sprintf("%s per loop, %d loops", took(r.T/time.Duration(max(1, r.N))), r.N))
		},
	}
}

// took rounds a duration to what a person reads.
func took(d time.Duration) string {
	for unit := time.Nanosecond; ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
}

// stop ends a cell with an error that is no panic of its code.
type stop struct{ err error }

// exit is what os.Exit becomes: the cell ends, the session goes on.
type exit int

func (e *Engine) registerBuiltins() {
	fns := map[string]any{"os.Exit": func(code int) { panic(exit(code)) }}
	maps.Copy(fns, (&stdin{host: e.host}).functions())
	for name, f := range e.functions() {
		fns[builtinPath+"."+name] = f
	}
	setOverride(e.ctx, fns)
}

// result shows the values of the last statement, without the errors of a call
// that had none.
func (e *Engine) result(values []any) {
	e.mu.Lock()
	shown := e.run.last
	e.mu.Unlock()
	if silent := len(values) - 1; values[silent] == nil && shown != nil && types.Identical(shown, types.Universe.Lookup("error").Type()) {
		if values = values[:silent]; silent == 0 {
			return
		}
	}
	e.host.Result(values)
}

// scopeBuiltins puts the builtins into a cell's scope, under names that the
// session does not use.
func (e *Engine) scopeBuiltins(scope *types.Scope, taken func(string) bool) {
	p, err := e.ctx.Importer.Import(builtinPath)
	if err != nil {
		panic(err)
	}
	for _, n := range builtins {
		if o := p.Scope().Lookup(n); o != nil && !taken(n) {
			scope.Insert(o)
		}
	}
}

// isBuiltin tells the names that every cell knows.
func isBuiltin(name string) bool {
	return slices.Contains(builtins, name) || types.Universe.Lookup(name) != nil
}
