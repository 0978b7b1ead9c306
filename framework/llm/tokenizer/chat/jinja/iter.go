package jinja

import "slices"

// generator is what Python gives as one: read once, with no length and no
// items by number, and true even if nothing is in it.
type generator struct {
	kind string // generator, or the type that reversed gives
	next iterator
}

// An iterator gives the next value; ok is false at the end and ever after.
type iterator func() (v any, ok bool, err error)

func over(n int, at func(int) any) iterator {
	i := 0
	return func() (any, bool, error) {
		if i >= n {
			return nil, false, nil
		}
		i++
		return at(i - 1), true, nil
	}
}

func overItems(items []any) iterator {
	return over(len(items), func(i int) any { return items[i] })
}

// iterate is Python's iter(v). Each step counts against the limits.
func (r *run) iterate(v any) (iterator, error) {
	var it iterator
	switch v := v.(type) {
	case *List:
		it = overItems(v.Items)
	case *tuple:
		it = overItems(v.items)
	case *Dict:
		it = overItems(v.keys)
	case *view:
		it = over(v.of.Len(), v.at)
	case *rangeValue:
		it = over(int(v.n), func(i int) any { return v.start + int64(i)*v.step })
	case *generator:
		it = v.next
	case *undefined:
		it = overItems(nil)
	case string, markup:
		s, _ := text(v)
		it = func() (any, bool, error) {
			if s == "" {
				return nil, false, nil
			}
			n := runeLen(s)
			c := s[:n] // plain text, of markup too
			s = s[n:]
			return c, true, nil
		}
	case *loop:
		it = func() (any, bool, error) {
			item, ok, err := v.advance()
			return &tuple{[]any{item, v}}, ok, err
		}
	default:
		return nil, errorf(TypeError, "'%s' object is not iterable", typeName(v))
	}
	return func() (any, bool, error) {
		if err := r.step(); err != nil {
			return nil, false, err
		}
		return it()
	}, nil
}

// items reads all of v.
func (r *run) items(v any) ([]any, error) {
	next, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	var out []any
	for {
		item, ok, err := next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return out, nil
		}
		if err := r.grow(itemBytes); err != nil {
			return nil, err
		}
		out = append(out, item)
	}
}

// reversed is Python's reversed(v), the values in a slice.
func (r *run) reversed(v any) ([]any, error) {
	switch v.(type) {
	case *generator, *loop:
		return nil, errorf(TypeError, "'%s' object is not reversible", typeName(v))
	}
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	slices.Reverse(items)
	return items, nil
}
