package jinja

// stream is a generator that puts each value through f, which may drop it. f
// is made when the first value is asked for, so its mistakes show then.
func (r *run) stream(of any, prepare func() (func(any) (any, bool, error), error)) *generator {
	var next iterator
	var f func(any) (any, bool, error)
	return &generator{"generator", func() (any, bool, error) {
		if !truth(of) {
			return nil, false, nil
		}
		if next == nil {
			var err error
			if f, err = prepare(); err != nil {
				return nil, false, err
			}
			if next, err = r.iterate(of); err != nil {
				return nil, false, err
			}
		}
		for {
			v, ok, err := next()
			if err != nil || !ok {
				return nil, false, err
			}
			v, keep, err := f(v)
			if err != nil {
				return nil, false, err
			}
			if keep {
				return v, true, nil
			}
		}
	}}
}

func mapFilter(r *run, c call) (any, error) {
	of, rest := c.args[0], call{c.args[1:], c.kw}
	return r.stream(of, func() (func(any) (any, bool, error), error) {
		if path, ok := rest.take("attribute"); ok && len(rest.args) == 0 {
			otherwise, _ := rest.take("default")
			if len(rest.kw) > 0 {
				return nil, errorf(FilterArgument, "Unexpected keyword argument %s", quoted(rest.kw[0].name))
			}
			get := r.getterOr(path, false, otherwise)
			return func(v any) (any, bool, error) {
				v, err := get(v)
				return v, true, err
			}, nil
		}
		if len(rest.args) == 0 {
			return nil, errorf(FilterArgument, "map requires a filter argument")
		}
		name, err := calleeName("filter", rest.args[0])
		if err != nil {
			return nil, err
		}
		more := call{rest.args[1:], c.kw}
		return func(v any) (any, bool, error) {
			v, err := r.filter(name, v, more)
			return v, true, err
		}, nil
	}), nil
}

func calleeName(kind string, v any) (string, error) {
	name, ok := text(v)
	if !ok {
		s, err := repr(v)
		if err != nil {
			return "", err
		}
		return "", errorf(Runtime, "No %s named %s.", kind, s)
	}
	return name, nil
}

// choose is select and its kin: by an attribute or by the value, keeping
// those for which the test holds or those for which it doesn't.
func choose(byAttribute, keep bool) func(*run, call) (any, error) {
	return func(r *run, c call) (any, error) {
		of, args := c.args[0], c.args[1:]
		return r.stream(of, func() (func(any) (any, bool, error), error) {
			get := func(v any) (any, error) { return v, nil }
			if byAttribute {
				if len(args) == 0 {
					return nil, errorf(FilterArgument, "Missing parameter for attribute name")
				}
				get = r.getter(args[0], false)
				args = args[1:]
			}
			holds := func(v any) (any, error) { return v, nil }
			if len(args) > 0 {
				name, err := calleeName("test", args[0])
				if err != nil {
					return nil, err
				}
				more := call{args[1:], c.kw}
				holds = func(v any) (any, error) { return r.test(name, v, more) }
			}
			return func(v any) (any, bool, error) {
				of, err := get(v)
				if err != nil {
					return nil, false, err
				}
				yes, err := holds(of)
				return v, truth(yes) == keep, err
			}, nil
		}), nil
	}
}
