package jinja

import "strings"

// eval gives the value of an expression.
func (r *run) eval(e expr, f *frame) (any, error) {
	if err := r.deeper(); err != nil {
		return nil, err
	}
	defer func() { r.depth-- }()
	switch e := e.(type) {
	case *constExpr:
		return e.value, nil
	case *dataExpr:
		return e.text, nil
	case *nameExpr:
		return r.name(e.name, f), nil
	case *tupleExpr:
		items, err := r.evalAll(e.items, f)
		return &tuple{items}, err
	case *listExpr:
		items, err := r.evalAll(e.items, f)
		return &List{items}, err
	case *dictExpr:
		return r.dict(e, f)
	case *attrExpr:
		of, err := r.eval(e.of, f)
		if err != nil {
			return nil, err
		}
		return r.attribute(of, e.name)
	case *itemExpr:
		return r.subscript(e, f)
	case *callExpr:
		v, err := r.callExpr(e, f, nil)
		return v, at(err, e.line)
	case *filterExpr:
		of, err := r.eval(e.of, f)
		if err != nil {
			return nil, err
		}
		v, err := r.filterExpr(e, of, f)
		return v, at(err, e.line)
	case *testExpr:
		v, err := r.testExpr(e, f)
		return v, at(err, e.line)
	case *condExpr:
		return r.cond(e, f)
	case *andExpr:
		v, err := r.eval(e.a, f)
		if err != nil || !truth(v) {
			return v, err
		}
		return r.eval(e.b, f)
	case *orExpr:
		v, err := r.eval(e.a, f)
		if err != nil || truth(v) {
			return v, err
		}
		return r.eval(e.b, f)
	case *notExpr:
		v, err := r.eval(e.of, f)
		return !truth(v), err
	case *unaryExpr:
		v, err := r.eval(e.of, f)
		if err != nil {
			return nil, err
		}
		return unary(e.op, v)
	case *binaryExpr:
		a, err := r.eval(e.a, f)
		if err != nil {
			return nil, err
		}
		b, err := r.eval(e.b, f)
		if err != nil {
			return nil, err
		}
		v, err := r.binary(e.op, a, b)
		return v, at(err, e.line)
	case *concatExpr:
		return r.concat(e, f)
	case *compareExpr:
		v, err := r.compareExpr(e, f)
		return v, at(err, e.line)
	}
	return nil, errorf(Unsupported, "this expression")
}

func (r *run) name(name string, f *frame) any {
	v := f.find(name)
	if v == missing {
		return undefinedName(name)
	}
	return v
}

func (r *run) evalAll(es []expr, f *frame) ([]any, error) {
	if err := r.grow(itemBytes * len(es)); err != nil {
		return nil, err
	}
	out := make([]any, len(es))
	for i, e := range es {
		var err error
		if out[i], err = r.eval(e, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *run) dict(e *dictExpr, f *frame) (any, error) {
	d := &Dict{}
	for i := range e.keys {
		k, err := r.eval(e.keys[i], f)
		if err != nil {
			return nil, err
		}
		v, err := r.eval(e.values[i], f)
		if err != nil {
			return nil, err
		}
		if err := r.put(d, k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (r *run) cond(e *condExpr, f *frame) (any, error) {
	test, err := r.eval(e.test, f)
	if err != nil {
		return nil, err
	}
	if truth(test) {
		return r.eval(e.then, f)
	}
	if e.els != nil {
		return r.eval(e.els, f)
	}
	const message = "the inline if-expression on %s evaluated to false and no else section was defined."
	return &undefined{message: strings.Replace(message, "%s", "line "+itoa(e.line), 1), kind: Undefined}, nil
}

func (r *run) concat(e *concatExpr, f *frame) (any, error) {
	items, err := r.evalAll(e.items, f)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, v := range items {
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		if err := r.grow(len(s)); err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// compareExpr chains as Python does: a < b < c is a < b and b < c.
func (r *run) compareExpr(e *compareExpr, f *frame) (any, error) {
	a, err := r.eval(e.first, f)
	if err != nil {
		return nil, err
	}
	for i, op := range e.ops {
		b, err := r.eval(e.rest[i], f)
		if err != nil {
			return nil, err
		}
		ok, err := r.relation(op, a, b)
		if err != nil || !ok {
			return false, err
		}
		a = b
	}
	return true, nil
}

func (r *run) relation(op string, a, b any) (bool, error) {
	switch op {
	case "==":
		return r.equal(a, b)
	case "!=":
		same, err := r.equal(a, b)
		return !same, err
	case "in":
		return r.contains(b, a)
	case "notin":
		found, err := r.contains(b, a)
		return !found, err
	}
	return r.compare(op, a, b)
}

func (r *run) subscript(e *itemExpr, f *frame) (any, error) {
	of, err := r.eval(e.of, f)
	if err != nil {
		return nil, err
	}
	if s, ok := e.key.(*sliceExpr); ok {
		var parts [3]any
		for i, p := range []expr{s.start, s.stop, s.step} {
			if p == nil {
				continue
			}
			if parts[i], err = r.eval(p, f); err != nil {
				return nil, err
			}
		}
		return r.slice(of, parts)
	}
	key, err := r.eval(e.key, f)
	if err != nil {
		return nil, err
	}
	return r.item(of, key)
}

func (r *run) filterExpr(e *filterExpr, of any, f *frame) (any, error) {
	c, err := r.arguments(e.args, f)
	if err != nil {
		return nil, err
	}
	return r.filter(e.name, of, c)
}

func (r *run) testExpr(e *testExpr, f *frame) (any, error) {
	of, err := r.eval(e.of, f)
	if err != nil {
		return nil, err
	}
	c, err := r.arguments(e.args, f)
	if err != nil {
		return nil, err
	}
	return r.test(e.name, of, c)
}

// filter applies the filter name to a value.
func (r *run) filter(name string, of any, c call) (any, error) {
	b, ok := filters[name]
	if !ok {
		return nil, unknown("filter", name, Runtime)
	}
	return b.invoke(r, name, c.withFirst(of))
}

// test gives what the test name says of a value.
func (r *run) test(name string, of any, c call) (any, error) {
	b, ok := tests[name]
	if !ok {
		return nil, unknown("test", name, Runtime)
	}
	return b.invoke(r, name, c.withFirst(of))
}
