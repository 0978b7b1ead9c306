package jinja

import "slices"

// macro is a macro's definition and the frame that it was defined in, whose
// variables it sees as they are when it is called.
type macro struct {
	def   *macroDef
	frame *frame
}

// callMacro binds the arguments (Jinja's Macro.__call__) and gives the text.
func (r *run) callMacro(m *macro, c call) (any, error) {
	d := m.def
	if err := r.read(itemBytes * len(d.params) * len(c.kw)); err != nil {
		return nil, err
	}
	f := r.enter(d.scope, m.frame)
	n := min(len(c.args), len(d.params))
	for i, name := range d.params {
		f.values[name] = missing
		if i < n {
			f.values[name] = c.args[i]
		} else if v, ok := c.take(name); ok {
			f.values[name] = v
		}
	}
	explicit := slices.Contains(d.params, "caller")
	if d.takesCaller && !explicit {
		v, ok := c.take("caller")
		if !ok || v == nil {
			v = &undefined{message: "No caller defined", kind: Undefined}
		}
		f.values["caller"] = v
	}
	if d.takesKwargs {
		kw := &Dict{}
		for _, k := range c.kw {
			if err := r.put(kw, k.name, k.value); err != nil {
				return nil, err
			}
		}
		f.values["kwargs"] = kw
	} else if len(c.kw) > 0 {
		return nil, errorf(TypeError, "macro %s takes no keyword argument %s", quoted(d.name), quoted(c.kw[0].name))
	}
	if d.takesVarargs {
		f.values["varargs"] = &tuple{c.args[n:]}
	} else if len(c.args) > len(d.params) {
		return nil, errorf(TypeError, "macro %s takes not more than %d argument(s)", quoted(d.name), len(d.params))
	}
	for i, name := range d.params {
		if f.values[name] != missing {
			continue
		}
		v := any(&undefined{message: "parameter " + quoted(name) + " was not provided", kind: Undefined})
		if j := i - (len(d.params) - len(d.defaults)); j >= 0 {
			var err error
			if v, err = r.eval(d.defaults[j], f); err != nil {
				return nil, err
			}
		}
		f.values[name] = v
	}
	out := &buffer{run: r}
	if _, err := r.body(d.body, f, out); err != nil {
		return nil, err
	}
	return out.b.String(), nil
}
