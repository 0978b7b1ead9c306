package jinja

import "slices"

var dictMethods = map[string]builtin{
	"items":  {params: "/self", fn: viewOf("dict_items")},
	"keys":   {params: "/self", fn: viewOf("dict_keys")},
	"values": {params: "/self", fn: viewOf("dict_values")},
	"copy":   {params: "/self", fn: func(r *run, a []any) (any, error) { return a[0], nil }},
	"get": {params: "/self key default?", fn: func(r *run, a []any) (any, error) {
		v, ok, err := r.lookup(a[0].(*Dict), a[1])
		if err != nil || ok {
			return v, err
		}
		if a[2] == missing {
			return nil, nil
		}
		return a[2], nil
	}},
	"fromkeys": {params: "/self iterable value?", fn: func(r *run, a []any) (any, error) {
		return fromKeys(r, a[1:])
	}},
}

func viewOf(kind string) func(*run, []any) (any, error) {
	return func(_ *run, a []any) (any, error) { return &view{kind, a[0].(*Dict)}, nil }
}

func fromKeys(r *run, a []any) (any, error) {
	keys, err := r.items(a[0])
	if err != nil {
		return nil, err
	}
	if a[1] == missing {
		a[1] = nil
	}
	d := &Dict{}
	for _, k := range keys {
		if err := r.put(d, k, a[1]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

var listMethods = map[string]builtin{
	"copy":  {params: "/self", fn: func(r *run, a []any) (any, error) { return a[0], nil }},
	"count": {params: "/self value", fn: countOf},
	"index": {params: "/self value start? stop?", fn: indexOf},
}

var tupleMethods = map[string]builtin{"count": listMethods["count"], "index": listMethods["index"]}

func itemsOf(v any) []any {
	if t, ok := v.(*tuple); ok {
		return t.items
	}
	return v.(*List).Items
}

func countOf(r *run, a []any) (any, error) {
	n := int64(0)
	for _, v := range itemsOf(a[0]) {
		same, err := r.equal(v, a[1])
		if err != nil {
			return nil, err
		}
		if same {
			n++
		}
	}
	return n, nil
}

func indexOf(r *run, a []any) (any, error) {
	items := itemsOf(a[0])
	from, to, err := window(a[2], a[3], len(items))
	if err != nil {
		return nil, err
	}
	for i := from; i < to; i++ {
		same, err := r.equal(items[i], a[1])
		if err != nil {
			return nil, err
		}
		if same {
			return int64(i), nil
		}
	}
	s, err := r.repr(a[1])
	if err != nil {
		return nil, err
	}
	return nil, errorf(ValueError, "%s is not in list", s)
}

// window gives the bounds that optional start and stop mean for n items.
func window(start, stop any, n int) (from, to int, err error) {
	if start == missing {
		start = nil
	}
	if stop == missing {
		stop = nil
	}
	from, _, _, count, ok, err := sliceBounds([3]any{start, stop, nil}, n)
	if err == nil && !ok {
		err = errSliceIndex()
	}
	return from, from + count, err
}

// sortBy is Python's sorted with a key for each value.
func (r *run) sortBy(items, keys []any, reverse bool) ([]any, error) {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	var failed error
	slices.SortStableFunc(order, func(i, j int) int {
		if failed != nil {
			return 0
		}
		a, b := keys[i], keys[j]
		less, err := r.compare("<", a, b)
		if err == nil && less {
			if reverse {
				return 1
			}
			return -1
		}
		if err == nil {
			less, err = r.compare("<", b, a)
		}
		if err != nil {
			failed = err
			return 0
		}
		if !less {
			return 0
		}
		if reverse {
			return -1
		}
		return 1
	})
	if failed != nil {
		return nil, failed
	}
	out := make([]any, len(items))
	for i, j := range order {
		out[i] = items[j]
	}
	return out, nil
}
