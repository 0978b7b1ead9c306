package jinja

// A use is one name in a body, bodies inside it included.
type use struct {
	name string
	as   byte // 'l' loaded, 's' stored, 'p' a parameter
}

// uses says which of names a body loads before it stores them.
func uses(body []stmt, names ...string) map[string]bool {
	open := map[string]bool{}
	for _, n := range names {
		open[n] = true
	}
	used := map[string]bool{}
	walk(body, func(u use) {
		if u.as == 'l' && open[u.name] {
			used[u.name] = true
		} else {
			delete(open, u.name)
		}
	})
	return used
}

// assigns says whether a target anywhere in the body is the name.
func assigns(body []stmt, name string) bool {
	found := false
	walk(body, func(u use) { found = found || u.as == 's' && u.name == name })
	return found
}

func walk(body []stmt, visit func(use)) {
	for _, st := range body {
		walkStmt(st, visit)
	}
}

func walkStmt(st stmt, visit func(use)) {
	expr := func(es ...expr) {
		for _, e := range es {
			walkExpr(e, visit)
		}
	}
	switch st := st.(type) {
	case *outputStmt:
		expr(st.parts...)
	case *forStmt:
		walkTarget(st.target, visit)
		expr(st.in)
		walk(st.body, visit)
		walk(st.els, visit)
		expr(st.test)
	case *ifStmt:
		for i, t := range st.tests {
			expr(t)
			walk(st.bodies[i], visit)
		}
		walk(st.els, visit)
	case *macroStmt:
		walkMacro(st.def, visit)
	case *callStmt:
		if st.call != nil {
			expr(st.call)
		}
		walkMacro(st.def, visit)
	case *filterStmt:
		walk(st.body, visit)
		expr(st.filter)
	case *setStmt:
		walkTarget(st.target, visit)
		expr(st.value)
	case *setBlock:
		walkTarget(st.target, visit)
		if st.filter != nil {
			expr(st.filter)
		}
		walk(st.body, visit)
	case *withStmt:
		for _, t := range st.targets {
			walkTarget(t, func(u use) { visit(use{u.name, 'p'}) })
		}
		expr(st.values...)
		walk(st.body, visit)
	}
}

func walkMacro(d *macroDef, visit func(use)) {
	for _, p := range d.params {
		visit(use{p, 'p'})
	}
	for _, e := range d.defaults {
		walkExpr(e, visit)
	}
	walk(d.body, visit)
}

func walkTarget(target expr, visit func(use)) {
	switch t := target.(type) {
	case *nameExpr:
		visit(use{t.name, 's'})
	case *tupleExpr:
		for _, i := range t.items {
			walkTarget(i, visit)
		}
	}
}

func walkExpr(e expr, visit func(use)) {
	if n, ok := e.(*nameExpr); ok {
		visit(use{n.name, 'l'})
	}
	for _, c := range children(e) {
		walkExpr(c, visit)
	}
}
