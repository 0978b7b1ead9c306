package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func itoa(i int) string { return strconv.Itoa(i) }

// call holds the arguments of a call.
type call struct {
	args []any
	kw   []keyword // in the order given
}

type keyword struct {
	name  string
	value any
}

func (c call) withFirst(v any) call {
	return call{append([]any{v}, c.args...), c.kw}
}

// take removes a keyword argument and gives its value.
func (c *call) take(name string) (any, bool) {
	for i, k := range c.kw {
		if k.name == name {
			c.kw = slices.Delete(slices.Clone(c.kw), i, i+1)
			return k.value, true
		}
	}
	return nil, false
}

func (r *run) arguments(a arguments, f *frame) (call, error) {
	var c call
	var err error
	if c.args, err = r.evalAll(a.args, f); err != nil {
		return c, err
	}
	for i, e := range a.kwargs {
		v, err := r.eval(e, f)
		if err != nil {
			return c, err
		}
		if err := c.add(r, a.names[i], v); err != nil {
			return c, err
		}
	}
	if a.star != nil {
		v, err := r.eval(a.star, f)
		if err != nil {
			return c, err
		}
		more, err := r.items(v)
		if err != nil {
			return c, err
		}
		c.args = append(c.args, more...)
	}
	if a.starStars != nil {
		v, err := r.eval(a.starStars, f)
		if err != nil {
			return c, err
		}
		d, ok := v.(*Dict)
		if !ok {
			return c, errorf(TypeError, "argument after ** must be a mapping, not %s", typeName(v))
		}
		for k, v := range d.All {
			name, ok := text(k)
			if !ok {
				return c, errorf(TypeError, "keywords must be strings")
			}
			if err := c.add(r, name, v); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

func (c *call) add(r *run, name string, v any) error {
	if err := r.read((1 + len(c.kw)) * (itemBytes + len(name))); err != nil {
		return err
	}
	for _, k := range c.kw {
		if k.name == name {
			return errorf(TypeError, "got multiple values for keyword argument '%s'", name)
		}
	}
	c.kw = append(c.kw, keyword{name, v})
	return nil
}

// callExpr calls; caller is the body of a call block, or nil.
func (r *run) callExpr(e *callExpr, f *frame, caller *macro) (any, error) {
	fn, err := r.eval(e.fn, f)
	if err != nil {
		return nil, err
	}
	c, err := r.arguments(e.args, f)
	if err != nil {
		return nil, err
	}
	if caller != nil {
		if err := c.add(r, "caller", caller); err != nil {
			return nil, err
		}
	}
	switch fn := fn.(type) {
	case *function:
		return fn.call(r, c)
	case *macro:
		return r.callMacro(fn, c)
	case *undefined:
		return nil, fn.err()
	case *loop:
		return fn.recurse(r, c)
	}
	return nil, errorf(TypeError, "'%s' object is not callable", typeName(fn))
}

// builtin is a filter, test, function or method.
//
// params names the parameters: "value old new count?" has an optional count
// that is missing where not given. A leading "/" forbids keyword arguments.
// With raw set the arguments come as they are.
type builtin struct {
	params string
	fn     func(r *run, a []any) (any, error)
	raw    func(r *run, c call) (any, error)
}

func (b builtin) invoke(r *run, name string, c call) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	if err := r.readCall(c); err != nil {
		return nil, err
	}
	if err := r.grow(4 * itemBytes); err != nil { // the result, whatever it is
		return nil, err
	}
	if b.raw != nil {
		return b.raw(r, c)
	}
	a, err := bind(name, b.params, c)
	if err != nil {
		return nil, err
	}
	return b.fn(r, a)
}

// readCall counts the arguments and what is in them: what filters, tests and
// methods read, unless they go over it more than once.
func (r *run) readCall(c call) error {
	if err := r.read(itemBytes * (len(c.args) + len(c.kw))); err != nil {
		return err
	}
	for _, k := range c.kw {
		if err := r.readValues(k.value); err != nil {
			return err
		}
	}
	return r.readValues(c.args...)
}

func bind(name, params string, c call) ([]any, error) {
	params, positional := strings.CutPrefix(params, "/")
	names := strings.Fields(params)
	if len(c.args) > len(names) {
		return nil, errorf(TypeError, "%s() takes at most %d arguments (%d given)", name, len(names), len(c.args))
	}
	if positional && len(c.kw) > 0 {
		return nil, errorf(TypeError, "%s() takes no keyword arguments", name)
	}
	out := make([]any, len(names))
	for i := range out {
		out[i] = missing
	}
	copy(out, c.args)
	for _, k := range c.kw {
		i := slices.IndexFunc(names, func(n string) bool { return strings.TrimSuffix(n, "?") == k.name })
		if i < 0 {
			return nil, errorf(TypeError, "%s() got an unexpected keyword argument '%s'", name, k.name)
		}
		if out[i] != missing {
			return nil, errorf(TypeError, "%s() got multiple values for argument '%s'", name, k.name)
		}
		out[i] = k.value
	}
	for i, n := range names {
		if out[i] == missing && !strings.HasSuffix(n, "?") {
			return nil, errorf(TypeError, "%s() missing 1 required argument: '%s'", name, n)
		}
	}
	return out, nil
}

// intArg gives an argument that must be an integer, def where missing.
func intArg(v any, def int) (int, error) {
	if v == missing {
		return def, nil
	}
	i, ok := integer(v)
	if !ok {
		if u, ok := v.(*undefined); ok {
			return 0, errorf(TypeError, "'Undefined' object cannot be interpreted as an integer (%s)", u.why())
		}
		return 0, errorf(TypeError, "'%s' object cannot be interpreted as an integer", typeName(v))
	}
	const far = 1 << 40 // beyond every length
	if !i.IsInt64() || i.Int64() > far || i.Int64() < -far {
		return far * i.Sign(), nil
	}
	return int(i.Int64()), nil
}

// textArg gives an argument that must be text.
func textArg(v any) (string, error) {
	s, ok := text(v)
	if !ok {
		return "", errorf(TypeError, "expected str, not %s", typeName(v))
	}
	return s, nil
}

func boolArg(v any) bool { return v != missing && truth(v) }
