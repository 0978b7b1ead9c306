package ixgo

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goplus/ixgo"
)

// preferred are the packages meant by names that several have.
var preferred = map[string]string{
	"rand": "math/rand", "template": "text/template", "scanner": "text/scanner", "pprof": "runtime/pprof",
	"driver": "database/sql/driver", "types": "go/types", "trace": "runtime/trace", "list": "container/list",
	"display": "github.com/tunelab/tunelab/kernel/display", "lab": "github.com/tunelab/tunelab/kernel/lab",
}

// known maps a package's name to the path that is imported without being asked.
var known = func() map[string]string {
	m := map[string]string{}
	for _, p := range ixgo.PackageList() { // sorted
		if strings.Contains(p, "internal") || p == builtinPath {
			continue
		}
		n := path.Base(p)
		if old := m[n]; old == "" || strings.Count(p, "/") < strings.Count(old, "/") {
			m[n] = p
		}
	}
	maps.Copy(m, preferred)
	return m
}()

// Package gives the path that a name is imported by.
func (e *Engine) Package(name string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p, ok := e.imports[name]; ok {
		return p, true
	}
	p, ok := known[name]
	return p, ok
}

// neededImports gives the names of the imports that a file uses, sorted; those that
// nobody wrote are added to the session's, if the name is used as a package's.
func (e *Engine) neededImports(s *source, f *ast.File) []string {
	qualifiers := map[*ast.Ident]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				qualifiers[id] = true
			}
		}
		return true
	})
	needed := map[string]bool{}
	for _, id := range f.Unresolved {
		n := id.Name
		if !qualifiers[id] || s.fresh[n] || n == builtinName {
			continue
		}
		_, imported := s.imports[n]
		if b := e.live[n]; b != nil && (!imported || e.imports[n] == s.imports[n]) {
			continue // a variable of an earlier cell, not imported anew by this one
		}
		if !imported {
			p, ok := known[n]
			if !ok {
				continue
			}
			s.imports[n] = p
		}
		needed[n] = true
	}
	return slices.Sorted(maps.Keys(needed))
}
