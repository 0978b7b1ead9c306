package jinja

// globals are the functions that a template can call by name; Render's
// variables come before them.
var globals = map[string]*function{
	"range": {"range", makeRange},
	"dict": {"dict", func(r *run, c call) (any, error) {
		return r.makeDict(c)
	}},
	"namespace": {"namespace", func(r *run, c call) (any, error) {
		d, err := r.makeDict(c)
		if err != nil {
			return nil, err
		}
		n := &namespace{&Dict{}}
		for k, v := range d.All {
			name, ok := text(k)
			if !ok {
				return nil, errorf(Unsupported, "a namespace's field that is no text")
			}
			if err := r.setField(n, name, v); err != nil {
				return nil, err
			}
		}
		return n, nil
	}},
	"raise_exception": {"raise_exception", func(r *run, c call) (any, error) {
		a, err := bind("raise_exception", "message", c)
		if err != nil {
			return nil, err
		}
		if a[0] == nil { // jinja2's TemplateError without a message
			return nil, errorf(Raised, "None")
		}
		s, err := r.str(a[0])
		if err != nil {
			return nil, err
		}
		return nil, errorf(Raised, "%s", s)
	}},
	"strftime_now": {"strftime_now", func(r *run, c call) (any, error) {
		a, err := bind("strftime_now", "format", c)
		if err != nil {
			return nil, err
		}
		layout, err := textArg(a[0])
		if err != nil {
			return nil, err
		}
		if err := r.grow(12 * len(layout)); err != nil { // %c, two bytes, gives 24
			return nil, err
		}
		return strftime(r.now(), layout)
	}},
	"cycler": unsupportedGlobal("cycler"),
	"joiner": unsupportedGlobal("joiner"),
	"lipsum": unsupportedGlobal("lipsum"),
}

func unsupportedGlobal(name string) *function {
	return &function{name, func(*run, call) (any, error) {
		return nil, errorf(Unsupported, "the function %s", name)
	}}
}

// longestRange is the sandbox's MAX_RANGE.
const longestRange = 100000

func newRange(start, stop, step int64) *rangeValue {
	v := &rangeValue{start: start, stop: stop, step: step}
	if step > 0 && stop > start {
		v.n = (stop-start-1)/step + 1
	} else if step < 0 && stop < start {
		v.n = (start-stop-1)/-step + 1
	}
	return v
}

func makeRange(r *run, c call) (any, error) {
	a, err := bind("range", "/start stop? step?", c)
	if err != nil {
		return nil, err
	}
	bounds := [3]int64{0, 0, 1}
	for i, v := range a {
		if v == missing {
			continue
		}
		n, err := intArg(v, 0)
		if err != nil {
			return nil, err
		}
		bounds[i] = int64(n)
	}
	if a[1] == missing {
		bounds[0], bounds[1] = 0, bounds[0]
	}
	if bounds[2] == 0 {
		return nil, errorf(ValueError, "range() arg 3 must not be zero")
	}
	v := newRange(bounds[0], bounds[1], bounds[2])
	if v.n > longestRange {
		return nil, errorf(Overflow, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", longestRange)
	}
	return v, nil
}

// makeDict is Python's dict(mapping or pairs, **fields).
func (r *run) makeDict(c call) (*Dict, error) {
	if len(c.args) > 1 {
		return nil, errorf(TypeError, "dict expected at most 1 argument, got %d", len(c.args))
	}
	d := &Dict{}
	if len(c.args) == 1 {
		if from, ok := c.args[0].(*Dict); ok {
			for k, v := range from.All {
				if err := r.put(d, k, v); err != nil {
					return nil, err
				}
			}
		} else {
			pairs, err := r.items(c.args[0])
			if err != nil {
				return nil, err
			}
			for _, p := range pairs {
				kv, err := r.items(p)
				if err != nil {
					return nil, err
				}
				if len(kv) != 2 {
					return nil, errorf(ValueError, "dictionary update sequence element has length %d; 2 is required", len(kv))
				}
				if err := r.put(d, kv[0], kv[1]); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, k := range c.kw {
		if err := r.put(d, k.name, k.value); err != nil {
			return nil, err
		}
	}
	return d, nil
}
