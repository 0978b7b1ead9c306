package jinja

// flow is how statements ended.
type flow int

const (
	onward flow = iota
	broke
	continued
)

// body runs statements and writes to out.
func (r *run) body(body []stmt, f *frame, out *buffer) (flow, error) {
	if err := r.deeper(); err != nil {
		return onward, err
	}
	defer func() { r.depth-- }()
	for _, st := range body {
		if err := r.step(); err != nil {
			return onward, err
		}
		if fl, err := r.stmt(st, f, out); err != nil || fl != onward {
			return fl, err
		}
	}
	return onward, nil
}

func (r *run) stmt(st stmt, f *frame, out *buffer) (flow, error) {
	switch st := st.(type) {
	case *outputStmt:
		return onward, r.output(st, f, out)
	case *ifStmt:
		for i, test := range st.tests {
			v, err := r.eval(test, f)
			if err != nil {
				return onward, at(err, st.line)
			}
			if truth(v) {
				return r.body(st.bodies[i], f, out)
			}
		}
		return r.body(st.els, f, out)
	case *forStmt:
		fl, err := r.forLoop(st, f, out)
		return fl, at(err, st.line)
	case *setStmt:
		v, err := r.eval(st.value, f)
		if err == nil {
			err = r.assign(st.target, v, f)
		}
		return onward, at(err, st.line)
	case *setBlock:
		fl, err := r.setBlock(st, f)
		return fl, at(err, st.line)
	case *filterStmt:
		inner := r.enter(st.scope, f)
		text := &buffer{run: r}
		if fl, err := r.body(st.body, inner, text); err != nil || fl != onward {
			return fl, err
		}
		v, err := r.applyTo(st.filter, text.b.String(), inner)
		if err != nil {
			return onward, at(err, st.line)
		}
		return onward, at(r.print(v, out), st.line)
	case *withStmt:
		inner := r.enter(st.scope, f)
		for i, t := range st.targets {
			v, err := r.eval(st.values[i], f)
			if err == nil {
				err = r.assign(t, v, inner)
			}
			if err != nil {
				return onward, at(err, st.line)
			}
		}
		return r.body(st.body, inner, out)
	case *macroStmt:
		f.values[st.def.name] = &macro{def: st.def, frame: f}
		return onward, at(r.keep(f), st.def.line)
	case *callStmt:
		caller := &macro{def: st.def, frame: f}
		var v any
		err := r.keep(f)
		switch {
		case err != nil:
		case st.call == nil:
			v, err = r.callMacro(caller, call{})
		default:
			v, err = r.callExpr(st.call, f, caller)
		}
		if err == nil {
			err = r.print(v, out)
		}
		return onward, at(err, st.line)
	case *breakStmt:
		return broke, nil
	case *continueStmt:
		return continued, nil
	}
	return onward, nil
}

func (r *run) output(st *outputStmt, f *frame, out *buffer) error {
	for i, e := range st.parts {
		v, err := r.eval(e, f)
		if err == nil {
			err = r.print(v, out)
		}
		if err != nil {
			return at(err, st.lines[i])
		}
	}
	return nil
}

func (r *run) print(v any, out *buffer) error {
	s, err := r.str(v)
	if err != nil {
		return err
	}
	return out.write(s)
}

func (r *run) setBlock(st *setBlock, f *frame) (flow, error) {
	inner := r.enter(st.scope, f)
	text := &buffer{run: r}
	if fl, err := r.body(st.body, inner, text); err != nil || fl != onward {
		return fl, err
	}
	var v any = text.b.String()
	if st.filter != nil {
		var err error
		if v, err = r.applyTo(st.filter, text.b.String(), inner); err != nil {
			return onward, err
		}
	}
	return onward, r.assign(st.target, v, f)
}

// applyTo applies the filters of a block to its text.
func (r *run) applyTo(e *filterExpr, body string, f *frame) (any, error) {
	var of any = body
	if inner, ok := e.of.(*filterExpr); ok {
		var err error
		if of, err = r.applyTo(inner, body, f); err != nil {
			return nil, err
		}
	}
	return r.filterExpr(e, of, f)
}

// assign puts a value into a target; a tuple takes a value apart.
func (r *run) assign(target expr, v any, f *frame) error {
	if err := r.checkFields(target, f); err != nil {
		return err
	}
	return r.store(target, v, f)
}

func (r *run) checkFields(target expr, f *frame) error {
	switch t := target.(type) {
	case *fieldTarget:
		if _, ok := f.find(t.name).(*namespace); !ok {
			return errorf(Runtime, "cannot assign attribute on non-namespace object")
		}
	case *tupleExpr:
		for _, i := range t.items {
			if err := r.checkFields(i, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) store(target expr, v any, f *frame) error {
	switch t := target.(type) {
	case *nameExpr:
		f.values[t.name] = v
	case *fieldTarget:
		ns, ok := f.find(t.name).(*namespace)
		if !ok {
			return errorf(Runtime, "cannot assign attribute on non-namespace object")
		}
		return r.setField(ns, t.field, v)
	case *tupleExpr:
		items, err := r.items(v)
		if err != nil {
			return err
		}
		if len(items) != len(t.items) {
			return errorf(ValueError, "%d values for %d names", len(items), len(t.items))
		}
		for i, item := range items {
			if err := r.store(t.items[i], item, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) setField(n *namespace, name string, v any) error {
	if name != "" && name[0] == '_' {
		return errorf(Security, "Chat templates cannot store underscore-prefixed attributes on a namespace, but got %s. Please rename the attribute.", quoted(name))
	}
	return r.put(n.fields, name, v)
}
