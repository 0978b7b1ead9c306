package jinja

import (
	"strconv"
	"strings"
)

func init() {
	size := builtin{params: "/value", fn: lengthFilter}
	for name, b := range map[string]builtin{
		"length": size, "count": size,
		"list": {params: "value", fn: func(r *run, a []any) (any, error) {
			items, err := r.items(a[0])
			return &List{items}, err
		}},
		"items":      {params: "value", fn: itemsFilter},
		"first":      {params: "seq", fn: firstFilter},
		"last":       {params: "seq", fn: lastFilter},
		"reverse":    {params: "value", fn: reverseFilter},
		"join":       {params: "value d? attribute?", fn: joinFilter},
		"sum":        {params: "iterable attribute? start?", fn: sumFilter},
		"sort":       {params: "value reverse? case_sensitive? attribute?", fn: sortFilter},
		"unique":     {params: "value case_sensitive? attribute?", fn: uniqueFilter},
		"min":        {params: "value case_sensitive? attribute?", fn: extreme("<")},
		"max":        {params: "value case_sensitive? attribute?", fn: extreme(">")},
		"dictsort":   {params: "value case_sensitive? by? reverse?", fn: dictSort},
		"batch":      {params: "value linecount fill_with?", fn: batch},
		"slice":      {params: "value slices fill_with?", fn: sliceFilter},
		"map":        {raw: mapFilter},
		"select":     {raw: choose(false, true)},
		"reject":     {raw: choose(false, false)},
		"selectattr": {raw: choose(true, true)},
		"rejectattr": {raw: choose(true, false)},
	} {
		filters[name] = b
	}
}

// lazily is a generator over items that are made when the first is asked for.
func lazily(items func() ([]any, error)) *generator {
	var next iterator
	return &generator{"generator", func() (any, bool, error) {
		if next == nil {
			all, err := items()
			if err != nil {
				return nil, false, err
			}
			next = overItems(all)
		}
		return next()
	}}
}

// getter gives the function that looks up a path such as "a.0.b" in a value;
// a missing or nil path is the value itself. fold makes text lower case.
func (r *run) getter(path any, fold bool) func(any) (any, error) {
	return r.getterOr(path, fold, nil)
}

// getterOr takes otherwise, unless it is nil, where a part of the path isn't
// there.
func (r *run) getterOr(path any, fold bool, otherwise any) func(any) (any, error) {
	var parts []any
	if s, ok := text(path); ok {
		for _, p := range strings.Split(s, ".") {
			if n, err := strconv.ParseInt(p, 10, 64); err == nil && p[0] != '-' && p[0] != '+' {
				parts = append(parts, n)
			} else {
				parts = append(parts, p)
			}
		}
	} else if path != missing && path != nil {
		parts = []any{path}
	}
	return func(v any) (any, error) {
		for _, p := range parts {
			if err := r.step(); err != nil {
				return nil, err
			}
			var err error
			if v, err = r.item(v, p); err != nil {
				return nil, err
			}
			if isUndefined(v) && otherwise != nil {
				v = otherwise
			}
		}
		if s, ok := text(v); ok && fold {
			if err := r.grow(4 * len(s)); err != nil {
				return nil, err
			}
			return like(v, lower(s)), nil
		}
		return v, nil
	}
}

func lengthFilter(_ *run, a []any) (any, error) {
	if l, ok := a[0].(*loop); ok {
		n, err := l.length()
		return int64(n), err
	}
	n, ok := length(a[0])
	if !ok {
		return nil, errorf(TypeError, "object of type '%s' has no len()", typeName(a[0]))
	}
	return int64(n), nil
}

func itemsFilter(r *run, a []any) (any, error) {
	return lazily(func() ([]any, error) {
		if _, ok := a[0].(*undefined); ok {
			return nil, nil
		}
		d, ok := a[0].(*Dict)
		if !ok {
			return nil, errorf(TypeError, "Can only get item pairs from a mapping.")
		}
		return r.items(&view{"dict_items", d})
	}), nil
}

func firstFilter(r *run, a []any) (any, error) {
	next, err := r.iterate(a[0])
	if err != nil {
		return nil, err
	}
	v, ok, err := next()
	if err == nil && !ok {
		v = &undefined{message: "No first item, sequence was empty.", kind: Undefined}
	}
	return v, err
}

func lastFilter(r *run, a []any) (any, error) {
	items, err := r.reversed(a[0])
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return &undefined{message: "No last item, sequence was empty.", kind: Undefined}, nil
	}
	return items[0], nil
}

func reverseFilter(r *run, a []any) (any, error) {
	switch v := a[0].(type) {
	case string, markup:
		return r.slice(v, [3]any{nil, nil, int64(-1)})
	case *generator:
		items, err := r.items(v)
		if err != nil {
			return nil, err
		}
		out, err := r.reversed(&List{items})
		return &List{out}, err
	}
	items, err := r.reversed(a[0])
	if err != nil {
		return nil, errorf(FilterArgument, "argument must be iterable")
	}
	return &generator{"list_reverseiterator", overItems(items)}, nil
}

func joinFilter(r *run, a []any) (any, error) {
	sep := ""
	if a[1] != missing {
		var err error
		if sep, err = r.str(a[1]); err != nil {
			return nil, err
		}
	}
	items, err := r.items(a[0])
	if err != nil {
		return nil, err
	}
	get := r.getter(a[2], false)
	var b strings.Builder
	for i, v := range items {
		if v, err = get(v); err != nil {
			return nil, err
		}
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		if err := r.grow(len(s) + len(sep)); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func sumFilter(r *run, a []any) (any, error) {
	total := a[2]
	if total == missing {
		total = int64(0)
	}
	if _, ok := text(total); ok {
		return nil, errorf(TypeError, "sum() can't sum strings [use ''.join(seq) instead]")
	}
	items, err := r.items(a[0])
	if err != nil {
		return nil, err
	}
	get := r.getter(a[1], false)
	for _, v := range items {
		if v, err = get(v); err != nil {
			return nil, err
		}
		if total, err = r.binary("+", total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func sortFilter(r *run, a []any) (any, error) {
	items, err := r.items(a[0])
	if err != nil {
		return nil, err
	}
	paths := []any{a[3]}
	if s, ok := text(a[3]); ok {
		paths = nil
		for _, p := range strings.Split(s, ",") {
			paths = append(paths, p)
		}
	}
	if err := r.grow(itemBytes * len(paths) * (len(items) + 1)); err != nil {
		return nil, err
	}
	var gets []func(any) (any, error)
	for _, p := range paths {
		gets = append(gets, r.getter(p, !boolArg(a[2])))
	}
	keys := make([]any, len(items))
	for i, v := range items {
		key := &List{}
		for _, get := range gets {
			k, err := get(v)
			if err != nil {
				return nil, err
			}
			key.Items = append(key.Items, k)
		}
		keys[i] = key
	}
	out, err := r.sortBy(items, keys, boolArg(a[1]))
	return &List{out}, err
}

func uniqueFilter(r *run, a []any) (any, error) {
	return lazily(func() ([]any, error) {
		items, err := r.items(a[0])
		if err != nil {
			return nil, err
		}
		get := r.getter(a[2], !boolArg(a[1]))
		seen := map[string]bool{}
		var out []any
		for _, v := range items {
			k, err := get(v)
			if err != nil {
				return nil, err
			}
			h, err := r.hash(k, 0)
			if err != nil {
				return nil, err
			}
			if !seen[h] {
				seen[h] = true
				out = append(out, v)
			}
		}
		return out, nil
	}), nil
}

// extreme is min or max; of equal ones the first.
func extreme(op string) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		items, err := r.items(a[0])
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return &undefined{message: "No aggregated item, sequence was empty.", kind: Undefined}, nil
		}
		get := r.getter(a[2], !boolArg(a[1]))
		best := items[0]
		bestKey, err := get(best)
		if err != nil {
			return nil, err
		}
		for _, v := range items[1:] {
			k, err := get(v)
			if err != nil {
				return nil, err
			}
			better, err := r.compare(op, k, bestKey)
			if err != nil {
				return nil, err
			}
			if better {
				best, bestKey = v, k
			}
		}
		return best, nil
	}
}

func dictSort(r *run, a []any) (any, error) {
	at := int64(0)
	if a[2] != missing {
		switch s, _ := text(a[2]); s {
		case "key":
		case "value":
			at = 1
		default:
			return nil, errorf(FilterArgument, `You can only sort by either "key" or "value"`)
		}
	}
	if u, ok := a[0].(*undefined); ok {
		return nil, u.err()
	}
	d, ok := a[0].(*Dict)
	if !ok {
		return nil, errorf("AttributeError", "'%s' object has no attribute 'items'", typeName(a[0]))
	}
	items, err := r.items(&view{"dict_items", d})
	if err != nil {
		return nil, err
	}
	get := r.getter(at, !boolArg(a[1]))
	keys := make([]any, len(items))
	for i, v := range items {
		if keys[i], err = get(v); err != nil {
			return nil, err
		}
	}
	out, err := r.sortBy(items, keys, boolArg(a[3]))
	return &List{out}, err
}

func batch(r *run, a []any) (any, error) {
	return lazily(func() ([]any, error) {
		items, err := r.items(a[0])
		if err != nil {
			return nil, err
		}
		n, err := intArg(a[1], 0)
		if err != nil {
			return nil, err
		}
		var out []any
		var row []any
		for _, v := range items {
			if len(row) == n {
				out, row = append(out, &List{row}), nil
			}
			row = append(row, v)
		}
		if len(row) > 0 {
			if a[2] != missing && a[2] != nil && n > len(row) {
				if err := r.grow(itemBytes * (n - len(row))); err != nil {
					return nil, err
				}
				for len(row) < n {
					row = append(row, a[2])
				}
			}
			out = append(out, &List{row})
		}
		return out, nil
	}), nil
}

func sliceFilter(r *run, a []any) (any, error) {
	return lazily(func() ([]any, error) {
		items, err := r.items(a[0])
		if err != nil {
			return nil, err
		}
		n, err := intArg(a[1], 0)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, errorf(ZeroDivision, "integer division or modulo by zero")
		}
		if n < 0 {
			return nil, nil
		}
		if err := r.grow(4 * itemBytes * n); err != nil {
			return nil, err
		}
		each, longer := len(items)/n, len(items)%n
		out := make([]any, n)
		for i := range out {
			size := each
			if i < longer {
				size++
			}
			row := append([]any{}, items[:size]...)
			items = items[size:]
			if a[2] != missing && a[2] != nil && i >= longer {
				row = append(row, a[2])
			}
			out[i] = &List{row}
		}
		return out, nil
	}), nil
}
