package jinja

import (
	"maps"
	"slices"
)

// How a name gets its value when its scope is entered (Jinja's idtracking.py).
type load int

const (
	param   load = iota // assigned by whoever enters
	resolve             // from the variables given to Render, or missing
	alias               // a copy of the value in the scope outside
	unset               // missing, even if Render was given the name
)

// A scope holds the names that its body stores, and those it loads that no
// scope outside knows. Which ones they are is settled before rendering: a name
// that a template sets anywhere in a scope is a local of it from the start.
type scope struct {
	parent *scope
	names  []string // in the order seen
	loads  map[string]load
	stores map[string]bool
	copied *int // names copied for branches, in the whole template
}

// mostCopied bounds the work that a hostile template can ask for with many
// names and many ifs; real ones copy a few thousand.
const mostCopied = 1 << 22

func newScope(parent *scope) *scope {
	s := &scope{parent: parent, loads: map[string]load{}, stores: map[string]bool{}}
	if parent != nil {
		s.copied = parent.copied
	} else {
		s.copied = new(int)
	}
	return s
}

func (s *scope) known(name string) bool {
	for ; s != nil; s = s.parent {
		if _, ok := s.loads[name]; ok {
			return true
		}
	}
	return false
}

func (s *scope) define(name string, how load) {
	if _, ok := s.loads[name]; !ok {
		s.names = append(s.names, name)
	}
	s.loads[name] = how
}

func (s *scope) declare(name string) {
	s.stores[name] = true
	s.define(name, param)
}

func (s *scope) load(name string) {
	if !s.known(name) {
		s.define(name, resolve)
	}
}

func (s *scope) store(name string) {
	s.stores[name] = true
	if _, ok := s.loads[name]; ok {
		return
	}
	if s.parent.known(name) {
		s.define(name, alias)
	} else {
		s.define(name, unset)
	}
}

func (s *scope) copy() *scope {
	*s.copied += len(s.names)
	return &scope{parent: s.parent, copied: s.copied, names: slices.Clone(s.names), loads: maps.Clone(s.loads), stores: maps.Clone(s.stores)}
}

// merge takes over what the branches of an if saw. A name that only branches
// store has its outer value where they were not taken.
func (s *scope) merge(branches []*scope) {
	before := maps.Clone(s.stores)
	for _, b := range branches {
		for _, name := range b.names {
			s.define(name, b.loads[name])
		}
		maps.Copy(s.stores, b.stores)
	}
	for _, name := range s.names {
		if !s.stores[name] || before[name] {
			continue
		}
		if s.parent.known(name) {
			s.loads[name] = alias
		} else {
			s.loads[name] = resolve
		}
	}
}

// see records what statements of this scope store and load. Bodies that have
// scopes of their own are not entered.
func (s *scope) see(body []stmt) {
	for _, st := range body {
		if *s.copied > mostCopied {
			return // Parse refuses the template
		}
		switch st := st.(type) {
		case *outputStmt:
			for _, e := range st.parts {
				s.seeExpr(e)
			}
		case *forStmt:
			s.seeExpr(st.in)
		case *ifStmt:
			s.seeIf(st)
		case *macroStmt:
			s.store(st.def.name)
		case *callStmt:
			if st.call != nil {
				s.seeExpr(st.call)
			}
		case *filterStmt:
			s.seeExpr(st.filter)
		case *setStmt:
			s.seeExpr(st.value)
			s.seeTarget(st.target, s.store)
		case *setBlock:
			s.seeTarget(st.target, s.store)
		case *withStmt:
			for _, v := range st.values {
				s.seeExpr(v)
			}
		}
	}
}

// seeIf visits the first test in this scope and each branch in a copy; all
// elifs, tests and bodies, share one.
func (s *scope) seeIf(st *ifStmt) {
	s.seeExpr(st.tests[0])
	body, elifs, els := s.copy(), s.copy(), s.copy()
	body.see(st.bodies[0])
	for i := 1; i < len(st.tests); i++ {
		elifs.seeExpr(st.tests[i])
		if *s.copied > mostCopied {
			return
		}
		branch := elifs.copy()
		branch.see(st.bodies[i])
		elifs.merge([]*scope{branch})
	}
	els.see(st.els)
	s.merge([]*scope{body, elifs, els})
}

func (s *scope) seeTarget(target expr, store func(string)) {
	switch t := target.(type) {
	case *nameExpr:
		store(t.name)
	case *fieldTarget:
		s.load(t.name)
	case *tupleExpr:
		for _, i := range t.items {
			s.seeTarget(i, store)
		}
	}
}

func (s *scope) seeExpr(e expr) {
	if n, ok := e.(*nameExpr); ok {
		s.load(n.name)
	}
	for _, c := range children(e) {
		s.seeExpr(c)
	}
}

// children gives the expressions directly inside of e.
func children(e expr) []expr {
	var out []expr
	add := func(es ...expr) {
		for _, c := range es {
			if c != nil {
				out = append(out, c)
			}
		}
	}
	addArgs := func(a arguments) {
		add(a.args...)
		add(a.kwargs...)
		add(a.star, a.starStars)
	}
	switch e := e.(type) {
	case *tupleExpr:
		add(e.items...)
	case *listExpr:
		add(e.items...)
	case *dictExpr:
		for i, k := range e.keys {
			add(k, e.values[i])
		}
	case *attrExpr:
		add(e.of)
	case *itemExpr:
		add(e.of, e.key)
	case *sliceExpr:
		add(e.start, e.stop, e.step)
	case *callExpr:
		add(e.fn)
		addArgs(e.args)
	case *filterExpr:
		add(e.of)
		addArgs(e.args)
	case *testExpr:
		add(e.of)
		addArgs(e.args)
	case *condExpr:
		add(e.test, e.then, e.els)
	case *andExpr:
		add(e.a, e.b)
	case *orExpr:
		add(e.a, e.b)
	case *notExpr:
		add(e.of)
	case *unaryExpr:
		add(e.of)
	case *binaryExpr:
		add(e.a, e.b)
	case *concatExpr:
		add(e.items...)
	case *compareExpr:
		add(e.first)
		add(e.rest...)
	}
	return out
}
