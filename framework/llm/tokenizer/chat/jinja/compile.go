package jinja

// A compiler gives every body its scope and finds the mistakes that Jinja
// finds before it renders.
type compiler struct{}

// place says where statements stand.
type place struct {
	scope *scope
	loop  bool // break and continue have a loop to act on
	soft  bool // inside an if: an unknown filter matters only once it is used
}

func (c compiler) body(body []stmt, in place) error {
	if *in.scope.copied > mostCopied {
		return errorf(Limit, "too many names in too many ifs")
	}
	for _, st := range body {
		if err := c.stmt(st, in); err != nil {
			return err
		}
	}
	return nil
}

func (c compiler) stmt(st stmt, in place) error {
	switch st := st.(type) {
	case *outputStmt:
		return c.exprs(in, st.parts...)
	case *setStmt:
		return c.exprs(in, st.value)
	case *ifStmt:
		in.soft = true
		for i, test := range st.tests {
			if err := c.exprs(in, test); err != nil {
				return err
			}
			if err := c.body(st.bodies[i], in); err != nil {
				return err
			}
		}
		return c.body(st.els, in)
	case *forStmt:
		return c.loop(st, in)
	case *macroStmt:
		return c.macro(st.def, in)
	case *callStmt:
		if err := c.macro(st.def, in); err != nil || st.call == nil {
			return err
		}
		return c.exprs(in, st.call)
	case *filterStmt:
		st.scope = newScope(in.scope)
		st.scope.seeExpr(st.filter)
		st.scope.see(st.body)
		inner := place{scope: st.scope, loop: in.loop}
		if err := c.body(st.body, inner); err != nil {
			return err
		}
		return c.exprs(inner, st.filter)
	case *setBlock:
		st.scope = newScope(in.scope)
		st.scope.see(st.body)
		inner := place{scope: st.scope, loop: in.loop}
		if st.filter != nil {
			if err := c.exprs(inner, st.filter); err != nil {
				return err
			}
		}
		return c.body(st.body, inner)
	case *withStmt:
		st.scope = newScope(in.scope)
		for _, t := range st.targets {
			st.scope.seeTarget(t, st.scope.declare)
		}
		st.scope.see(st.body)
		if err := c.exprs(in, st.values...); err != nil {
			return err
		}
		return c.body(st.body, place{scope: st.scope, loop: in.loop})
	case *breakStmt:
		return outsideLoop("break", st.line, in.loop)
	case *continueStmt:
		return outsideLoop("continue", st.line, in.loop)
	}
	return nil
}

func outsideLoop(tag string, line int, loop bool) error {
	if loop {
		return nil
	}
	return at(errorf("SyntaxError", "'%s' outside loop", tag), line)
}

func (c compiler) loop(st *forStmt, in place) error {
	st.bodyScope = newScope(in.scope)
	if st.recursive || uses(st.body, "loop")["loop"] {
		st.bodyScope.declare("loop")
	}
	st.bodyScope.seeTarget(st.target, st.bodyScope.declare)
	st.bodyScope.see(st.body)
	if assigns([]stmt{st}, "loop") {
		return at(errorf(Assertion, "Can't assign to special loop variable in for-loop target"), st.line)
	}
	if st.test != nil {
		st.testScope = newScope(in.scope)
		st.testScope.seeTarget(st.target, st.testScope.declare)
		st.testScope.seeExpr(st.test)
		if err := c.exprs(place{scope: st.testScope}, st.test); err != nil {
			return err
		}
	}
	if err := c.exprs(in, st.in); err != nil {
		return err
	}
	if err := c.body(st.body, place{scope: st.bodyScope, loop: true}); err != nil {
		return err
	}
	st.elseScope = newScope(in.scope)
	st.elseScope.see(st.els)
	return c.body(st.els, place{scope: st.elseScope, loop: in.loop && !st.recursive})
}

func (c compiler) macro(d *macroDef, in place) error {
	d.scope = newScope(in.scope)
	for _, name := range d.params {
		d.scope.declare(name)
	}
	used := uses(d.body, "caller", "kwargs", "varargs")
	for _, special := range []struct {
		name  string
		takes *bool
	}{{"caller", &d.takesCaller}, {"kwargs", &d.takesKwargs}, {"varargs", &d.takesVarargs}} {
		declared := -1
		for i, name := range d.params {
			if name == special.name {
				declared = i
			}
		}
		if !used[special.name] {
			continue
		}
		if special.name == "caller" && declared >= 0 {
			if declared < len(d.params)-len(d.defaults) {
				return at(errorf(Assertion, `When defining macros or call blocks the special "caller" argument must be omitted or be given a default.`), d.line)
			}
			*special.takes = true
		}
		if declared < 0 {
			d.scope.declare(special.name)
			*special.takes = true
		}
	}
	for _, e := range d.defaults {
		d.scope.seeExpr(e)
	}
	d.scope.see(d.body)
	inner := place{scope: d.scope}
	if err := c.exprs(inner, d.defaults...); err != nil {
		return err
	}
	return c.body(d.body, inner)
}

// exprs finds the filters and tests that don't exist.
func (c compiler) exprs(in place, es ...expr) error {
	for _, e := range es {
		if e == nil {
			continue
		}
		here := in
		var err error
		switch e := e.(type) {
		case *condExpr:
			here.soft = true
		case *filterExpr:
			err = at(checkName("filter", e.name, filters, here.soft), e.line)
		case *testExpr:
			err = at(checkName("test", e.name, tests, here.soft), e.line)
		}
		if err != nil {
			return err
		}
		if err := c.exprs(here, children(e)...); err != nil {
			return err
		}
	}
	return nil
}

func checkName(kind, name string, table map[string]builtin, soft bool) error {
	if _, ok := table[name]; ok || soft {
		return nil
	}
	return unknown(kind, name, Assertion)
}

// unknown is the error for a filter or test that is not in the table.
func unknown(kind, name, as string) error {
	if kind == "filter" && unsupportedFilters[name] {
		return errorf(Unsupported, "the filter %s", name)
	}
	return errorf(as, "No %s named '%s'.", kind, name)
}
