package jinja

import (
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// attribute is a.name: an attribute first, then an item (sandbox.getattr).
func (r *run) attribute(of any, name string) (any, error) {
	if u, ok := of.(*undefined); ok {
		return nil, u.err()
	}
	if err := r.read(len(name)); err != nil {
		return nil, err
	}
	v, ok, err := r.member(of, name)
	if err != nil || ok {
		return v, err
	}
	if d, ok := of.(*Dict); ok {
		if v, ok := d.Get(name); ok {
			return v, nil
		}
	}
	return undefinedOf(of, name), r.grow(4 * itemBytes)
}

// item is a[key]: an item first, then an attribute (sandbox.getitem).
func (r *run) item(of, key any) (any, error) {
	if err := r.readValues(of, key); err != nil {
		return nil, err
	}
	switch o := of.(type) {
	case *undefined:
		return nil, o.err()
	case *Dict:
		if v, ok, err := r.lookup(o, key); err == nil && ok {
			return v, nil
		}
	case string, markup, *List, *tuple, *rangeValue:
		if i, ok := small(key); ok {
			if v, ok := element(of, i); ok {
				return v, nil
			}
		}
	}
	if name, ok := text(key); ok {
		if v, ok, err := r.member(of, name); err != nil || ok {
			return v, err
		}
	}
	return undefinedOf(of, key), r.grow(4 * itemBytes)
}

// element is a sequence's item, counted from the end if negative. A text is
// walked through: the caller counts it.
func element(of any, i int64) (any, bool) {
	n, _ := length(of)
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		return nil, false
	}
	switch o := of.(type) {
	case *List:
		return o.Items[i], true
	case *tuple:
		return o.items[i], true
	case *rangeValue:
		return o.start + i*o.step, true
	}
	s, _ := text(of)
	for range i {
		s = s[runeLen(s):]
	}
	return like(of, s[:runeLen(s)]), true
}

// slice is of[start:stop:step].
func (r *run) slice(of any, parts [3]any) (any, error) {
	if u, ok := of.(*undefined); ok {
		return nil, u.err()
	}
	switch of.(type) {
	case string, markup, *List, *tuple, *rangeValue:
	case *Dict:
		return nil, errorf(TypeError, "unhashable type: 'slice'")
	default:
		return nil, errorf(TypeError, "'%s' object is not subscriptable", typeName(of))
	}
	if err := r.readValues(of); err != nil {
		return nil, err
	}
	n, _ := length(of)
	start, stop, step, count, ok, err := sliceBounds(parts, n)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errSliceIndex()
	}
	s, isText := text(of)
	switch {
	case isText && step == 1:
		return like(of, characters(s, start, start+count)), nil
	case isText:
		return like(of, stepped(s, start, step, count)), r.grow(min(len(s), utf8.UTFMax*count))
	}
	if err := r.grow(itemBytes * count); err != nil {
		return nil, err
	}
	pick := func(items []any) []any {
		out := make([]any, count)
		for i := range out {
			out[i] = items[start+i*step]
		}
		return out
	}
	switch o := of.(type) {
	case *List:
		return &List{pick(o.Items)}, nil
	case *tuple:
		return &tuple{pick(o.items)}, nil
	}
	o := of.(*rangeValue)
	return newRange(o.start+int64(start)*o.step, o.start+int64(stop)*o.step, int64(step)*o.step), nil
}

func errSliceIndex() error {
	return errorf(TypeError, "slice indices must be integers or None or have an __index__ method")
}

// sliceBounds gives the bounds of a slice of n elements and how many it has; ok
// is false for an index that is not an integer.
func sliceBounds(parts [3]any, n int) (start, stop, step, count int, ok bool, err error) {
	step = 1
	for _, p := range parts {
		if _, isInt := integer(p); p != nil && !isInt {
			return 0, 0, 0, 0, false, nil
		}
	}
	if parts[2] != nil {
		if step, err = intArg(parts[2], 1); err != nil {
			return 0, 0, 0, 0, true, err
		}
		if step == 0 {
			return 0, 0, 0, 0, true, errorf(ValueError, "slice step cannot be zero")
		}
	}
	low, high := 0, n
	start, stop = 0, n
	if step < 0 {
		low, high = -1, n-1
		start, stop = n-1, -1
	}
	for i, at := range []*int{&start, &stop} {
		if parts[i] == nil {
			continue
		}
		v, err := intArg(parts[i], 0)
		if err != nil {
			return 0, 0, 0, 0, true, err
		}
		if v < 0 {
			v += n
		}
		*at = min(max(v, low), high)
	}
	if step > 0 && stop > start {
		count = (stop - start + step - 1) / step
	} else if step < 0 && stop < start {
		count = (start - stop - step - 1) / -step
	}
	return start, stop, step, count, true, nil
}

// member is a value's Python attribute; ok is false where it has none.
func (r *run) member(of any, name string) (v any, ok bool, err error) {
	switch o := of.(type) {
	case *namespace:
		v, ok := o.fields.Get(name)
		return v, ok, nil
	case *loop:
		if v, ok, err := o.attribute(name); ok || err != nil {
			return v, ok, err
		}
	case *macro:
		switch name {
		case "name":
			return o.def.name, true, nil
		case "caller":
			return o.def.takesCaller, true, nil
		case "catch_kwargs":
			return o.def.takesKwargs, true, nil
		case "catch_varargs":
			return o.def.takesVarargs, true, nil
		case "arguments":
			if err := r.grow(itemBytes * len(o.def.params)); err != nil {
				return nil, true, err
			}
			out := make([]any, len(o.def.params))
			for i, p := range o.def.params {
				out[i] = p
			}
			return &tuple{out}, true, nil
		}
	case *function:
		if o == globals["dict"] && name == "fromkeys" {
			return &function{name, func(r *run, c call) (any, error) {
				a, err := bind(name, "/iterable value?", c)
				if err != nil {
					return nil, err
				}
				return fromKeys(r, a)
			}}, true, nil
		}
	}
	table := methodsOf(of)
	if m, ok := table.known[name]; ok {
		return &function{name, func(r *run, c call) (any, error) {
			return m.invoke(r, name, c.withFirst(of))
		}}, true, nil
	}
	if strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__") && slices.Contains(dunders, name) || slices.Contains(table.changing, name) {
		return &undefined{message: "access to attribute " + quoted(name) + " of " + quoted(typeName(of)) + " object is unsafe.", kind: Security}, true, nil
	}
	if slices.Contains(table.unsupported, name) {
		return nil, false, errorf(Unsupported, "%s of a %s", name, typeName(of))
	}
	return nil, false, nil
}

// dunders are attributes of every Python object; the sandbox hides them.
var dunders = strings.Fields("__class__ __delattr__ __dir__ __doc__ __eq__ __format__ __ge__ __getattribute__ __getstate__ __gt__ __hash__ __init__ __init_subclass__ __le__ __lt__ __ne__ __new__ __reduce__ __reduce_ex__ __repr__ __setattr__ __sizeof__ __str__ __subclasshook__")

// methods are the attributes of a type.
type methods struct {
	known       map[string]builtin
	changing    []string // the sandbox keeps templates from changing values
	unsupported []string
}

func methodsOf(v any) methods {
	switch v.(type) {
	case string, markup:
		return methods{known: stringMethods, unsupported: strings.Fields("encode maketrans translate")}
	case *Dict:
		return methods{known: dictMethods, changing: strings.Fields("clear pop popitem setdefault update")}
	case *List:
		return methods{known: listMethods, changing: strings.Fields("append clear pop reverse insert sort extend remove")}
	case *tuple:
		return methods{known: tupleMethods}
	case bool, int64, *big.Int:
		return methods{unsupported: strings.Fields("as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag numerator real to_bytes")}
	case float64:
		return methods{unsupported: strings.Fields("as_integer_ratio conjugate fromhex hex imag is_integer real")}
	case *view:
		return methods{unsupported: strings.Fields("mapping isdisjoint")}
	case *rangeValue:
		return methods{unsupported: strings.Fields("start stop step count index")}
	case *generator:
		return methods{unsupported: strings.Fields("send throw close gi_running gi_yieldfrom gi_suspended")}
	case *loop:
		return methods{}
	}
	return methods{}
}
