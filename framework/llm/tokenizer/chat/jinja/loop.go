package jinja

// loop is the variable of that name inside a for (Jinja's LoopContext).
type loop struct {
	run    *run
	of     any // what is looped over, for its length
	next   iterator
	index0 int
	count  int // -1: not known yet
	depth0 int

	before, current, after any // missing where there is none
	changed                []any

	again func(of any, depth int) (string, error) // of a recursive loop
}

func (r *run) newLoop(of any, next iterator, depth int) *loop {
	l := &loop{run: r, of: of, next: next, index0: -1, count: -1, depth0: depth, before: missing, current: missing, after: missing}
	if n, ok := length(of); ok {
		l.count = n
	}
	return l
}

// advance goes on to the next item.
func (l *loop) advance() (any, bool, error) {
	item, ok := l.after, true
	if item == missing {
		var err error
		if item, ok, err = l.next(); err != nil || !ok {
			return nil, false, err
		}
	}
	l.after = missing
	l.index0++
	l.before, l.current = l.current, item
	return item, ok, nil
}

func (l *loop) peek() (any, error) {
	if l.after == missing {
		item, ok, err := l.next()
		if err != nil {
			return nil, err
		}
		if ok {
			l.after = item
		}
	}
	return l.after, nil
}

// length reads what is left of a generator to count it.
func (l *loop) length() (int, error) {
	if l.count >= 0 {
		return l.count, nil
	}
	var rest []any
	for {
		item, ok, err := l.next()
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		rest = append(rest, item)
	}
	l.count = len(rest) + l.index0 + 1
	if l.after != missing {
		l.count++
	}
	l.next = overItems(rest)
	return l.count, nil
}

// attribute gives loop.name; ok is false where there is none.
func (l *loop) attribute(name string) (v any, ok bool, err error) {
	switch name {
	case "index0":
		return int64(l.index0), true, nil
	case "index":
		return int64(l.index0 + 1), true, nil
	case "first":
		return l.index0 == 0, true, nil
	case "depth0":
		return int64(l.depth0), true, nil
	case "depth":
		return int64(l.depth0 + 1), true, nil
	case "length", "revindex", "revindex0":
		n, err := l.length()
		switch name {
		case "revindex":
			n -= l.index0
		case "revindex0":
			n -= l.index0 + 1
		}
		return int64(n), true, err
	case "last":
		next, err := l.peek()
		return next == missing, true, err
	case "previtem":
		if l.index0 == 0 {
			return &undefined{message: "there is no previous item", kind: Undefined}, true, nil
		}
		return l.before, true, nil
	case "nextitem":
		next, err := l.peek()
		if next == missing {
			next = &undefined{message: "there is no next item", kind: Undefined}
		}
		return next, true, err
	case "cycle":
		return &function{"cycle", func(_ *run, c call) (any, error) {
			if len(c.args) == 0 {
				return nil, errorf(TypeError, "no items for cycling given")
			}
			return c.args[l.index0%len(c.args)], nil
		}}, true, nil
	case "changed":
		return &function{"changed", func(r *run, c call) (any, error) {
			if l.changed != nil {
				same, err := r.equal(&tuple{l.changed}, &tuple{c.args})
				if err != nil || same {
					return false, err
				}
			}
			l.changed = append([]any{}, c.args...)
			return true, nil
		}}, true, nil
	}
	return nil, false, nil
}

// recurse renders a recursive loop's body over other items: loop(children).
func (l *loop) recurse(_ *run, c call) (any, error) {
	if l.again == nil {
		return nil, errorf(TypeError, "The loop must have the 'recursive' marker to be called recursively.")
	}
	a, err := bind("loop", "iterable", c)
	if err != nil {
		return nil, err
	}
	return l.again(a[0], l.depth0+1)
}

func (r *run) forLoop(st *forStmt, f *frame, out *buffer) (flow, error) {
	of, err := r.eval(st.in, f)
	if err != nil {
		return onward, err
	}
	if !st.recursive {
		return r.forOver(st, of, f, out, 0, nil)
	}
	var again func(of any, depth int) (string, error)
	again = func(of any, depth int) (string, error) {
		inner := &buffer{run: r}
		_, err := r.forOver(st, of, f, inner, depth, again)
		return inner.b.String(), err
	}
	s, err := again(of, 0)
	if err != nil {
		return onward, err
	}
	return onward, out.write(s)
}

func (r *run) forOver(st *forStmt, of any, f *frame, out *buffer, depth int, again func(any, int) (string, error)) (flow, error) {
	next, err := r.iterate(of)
	if err != nil {
		return onward, err
	}
	if st.test != nil {
		next = r.selected(st, next, f)
		of = &generator{kind: "generator", next: next}
	}
	if err := r.readValues(of); err != nil { // for a text's length
		return onward, err
	}
	l := r.newLoop(of, next, depth)
	l.again = again
	ran := false
	for {
		item, ok, err := l.advance()
		if err != nil {
			return onward, err
		}
		if !ok {
			break
		}
		inner := r.enter(st.bodyScope, f)
		if _, used := inner.values["loop"]; used && st.bodyScope.loads["loop"] == param {
			inner.values["loop"] = l
		}
		if err := r.store(st.target, item, inner); err != nil {
			return onward, err
		}
		fl, err := r.body(st.body, inner, out)
		if err != nil {
			return onward, err
		}
		if fl == broke {
			break
		}
		ran = ran || fl == onward
	}
	if ran || len(st.els) == 0 {
		return onward, nil
	}
	return r.body(st.els, r.enter(st.elseScope, f), out)
}

// selected gives the items for which the loop's own if holds. They are tested
// as the loop comes to them, so the test sees what the body changed.
func (r *run) selected(st *forStmt, next iterator, f *frame) iterator {
	inner := r.enter(st.testScope, f)
	return func() (any, bool, error) {
		for {
			item, ok, err := next()
			if err != nil || !ok {
				return nil, false, err
			}
			if err := r.store(st.target, item, inner); err != nil {
				return nil, false, err
			}
			v, err := r.eval(st.test, inner)
			if err != nil {
				return nil, false, err
			}
			if !truth(v) {
				continue
			}
			if t, ok := st.target.(*tupleExpr); ok { // Python yields the target
				return r.rebuilt(t, inner), true, nil
			}
			return item, true, nil
		}
	}
}

func (r *run) rebuilt(t *tupleExpr, f *frame) any {
	out := make([]any, len(t.items))
	for i, item := range t.items {
		if inner, ok := item.(*tupleExpr); ok {
			out[i] = r.rebuilt(inner, f)
		} else {
			out[i] = f.values[item.(*nameExpr).name]
		}
	}
	return &tuple{out}
}
