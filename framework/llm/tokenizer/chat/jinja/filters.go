package jinja

import (
	"math/big"
	"strings"
)

// filters by name; those of sequences are in filters_sequence.go.
var filters = map[string]builtin{}

// unsupportedFilters are Jinja's others.
var unsupportedFilters = map[string]bool{
	"filesizeformat": true, "groupby": true, "pprint": true, "random": true, "striptags": true,
	"urlencode": true, "urlize": true, "wordwrap": true, "xmlattr": true,
}

func init() {
	def := builtin{params: "value default_value? boolean?", fn: defaultFilter}
	esc := builtin{params: "/value", fn: func(r *run, a []any) (any, error) { return r.escaped(a[0]) }}
	for name, b := range map[string]builtin{
		"abs":     {params: "/value", fn: abs},
		"attr":    {params: "obj name", fn: attrFilter},
		"default": def, "d": def,
		"escape": esc, "e": esc,
		"forceescape": {params: "value", fn: func(r *run, a []any) (any, error) {
			s, err := r.str(a[0])
			if err != nil {
				return nil, err
			}
			return r.escaped(s)
		}},
		"safe": {params: "value", fn: func(r *run, a []any) (any, error) {
			s, err := r.str(a[0])
			return markup(s), err
		}},
		"string":     soft(func(s string) string { return s }),
		"upper":      soft(upper),
		"lower":      soft(lower),
		"capitalize": soft(capitalize),
		"title":      soft(titleFilter),
		"trim": {params: "value chars?", fn: func(r *run, a []any) (any, error) {
			v, err := r.soft(a[0])
			if err != nil {
				return nil, err
			}
			return strip(true, true)(r, []any{v, a[1]})
		}},
		"center": {params: "value width?", fn: func(r *run, a []any) (any, error) {
			v, err := r.soft(a[0])
			if err != nil {
				return nil, err
			}
			if a[1] == missing {
				a[1] = int64(80)
			}
			return justify('^')(r, []any{v, a[1], missing})
		}},
		"format":    {raw: formatFilter},
		"indent":    {params: "s width? first? blank?", fn: indentFilter},
		"truncate":  {params: "s length? killwords? end? leeway?", fn: truncate},
		"replace":   {params: "s old new count?", fn: replaceFilter},
		"wordcount": {params: "s", fn: wordCount},
		"int":       {params: "value default? base?", fn: intFilter},
		"float":     {params: "value default?", fn: floatFilter},
		"round":     {params: "value precision? method?", fn: round},
		"tojson": {params: "x ensure_ascii? indent? separators? sort_keys?", fn: func(r *run, a []any) (any, error) {
			return r.toJSON(a)
		}},
	} {
		filters[name] = b
	}
}

// soft is markupsafe's soft_str: markup stays, the rest becomes text.
func (r *run) soft(v any) (any, error) {
	if isMarkup(v) {
		return v, nil
	}
	return r.str(v)
}

func soft(f func(string) string) builtin {
	return builtin{params: "s", fn: func(r *run, a []any) (any, error) {
		s, err := r.str(a[0])
		if err != nil {
			return nil, err
		}
		if err := r.grow(4 * len(s)); err != nil {
			return nil, err
		}
		return like(a[0], f(s)), nil
	}}
}

func titleFilter(s string) string {
	var b strings.Builder
	upper, lower := uppercase(), lowercase()
	start := true
	for _, r := range s {
		switch {
		case isSpace(r) || strings.ContainsRune("-({[<", r):
			b.WriteRune(r)
			start = true
			continue
		case start:
			b.WriteString(upper.String(string(r)))
		default:
			b.WriteString(lower.String(string(r)))
		}
		start = false
	}
	return b.String()
}

func defaultFilter(_ *run, a []any) (any, error) {
	_, isUndefined := a[0].(*undefined)
	if !isUndefined && !(boolArg(a[2]) && !truth(a[0])) {
		return a[0], nil
	}
	if a[1] == missing {
		return "", nil
	}
	return a[1], nil
}

func attrFilter(r *run, a []any) (any, error) {
	if u, ok := a[0].(*undefined); ok {
		return nil, u.err()
	}
	name, err := textArg(a[1])
	if err != nil {
		return nil, err
	}
	v, ok, err := r.member(a[0], name)
	if err != nil || ok {
		return v, err
	}
	return undefinedOf(a[0], name), nil
}

func abs(_ *run, a []any) (any, error) {
	if f, ok := a[0].(float64); ok {
		if f < 0 || 1/f < 0 {
			f = -f
		}
		return f, nil
	}
	if i, ok := integer(a[0]); ok {
		return norm(new(big.Int).Abs(i)), nil
	}
	return nil, errorf(TypeError, "bad operand type for abs(): '%s'", typeName(a[0]))
}

func formatFilter(r *run, c call) (any, error) {
	if len(c.args) > 1 && len(c.kw) > 0 {
		return nil, errorf(FilterArgument, "can't handle positional and keyword arguments at the same time")
	}
	v, err := r.soft(c.args[0])
	if err != nil {
		return nil, err
	}
	var with any = &tuple{c.args[1:]}
	if len(c.kw) > 0 {
		d := &Dict{}
		for _, k := range c.kw {
			d.Set(k.name, k.value)
		}
		with = d
	}
	return r.binary("%", v, with)
}

func indentFilter(r *run, a []any) (any, error) {
	if u, ok := a[0].(*undefined); ok {
		return nil, u.err()
	}
	if _, ok := a[0].(*List); ok { // to which Python adds the characters of a newline first
		return nil, errorf("AttributeError", "'list' object has no attribute 'splitlines'")
	}
	s, err := textArg(a[0])
	if err != nil {
		return nil, err
	}
	width, ok := text(a[1])
	if !ok {
		n, err := intArg(a[1], 4)
		if err != nil {
			return nil, err
		}
		if n > widest {
			return nil, errorf(Limit, "an indent of more than %d", widest)
		}
		width = strings.Repeat(" ", max(n, 0))
	}
	var b strings.Builder
	first := true
	err = eachLine(s+"\n", false, func(line string) error {
		if err := r.grow(1 + len(width) + len(line)); err != nil {
			return err
		}
		if !first {
			b.WriteByte('\n')
		}
		if boolArg(a[2]) && first || !first && (line != "" || boolArg(a[3])) {
			b.WriteString(width)
		}
		first = false
		b.WriteString(line)
		return nil
	})
	return like(a[0], b.String()), err
}

func truncate(r *run, a []any) (any, error) {
	most, err := intArg(a[1], 255)
	if err != nil {
		return nil, err
	}
	end := "..."
	if a[3] != missing {
		if end, err = textArg(a[3]); err != nil {
			return nil, err
		}
	}
	if a[4] == nil {
		a[4] = missing
	}
	leeway, err := intArg(a[4], 5)
	if err != nil {
		return nil, err
	}
	keep := most - runeCount(end)
	if keep < 0 || leeway < 0 {
		return nil, errorf("AssertionError", "expected length >= %d, got %d, and leeway >= 0, got %d", runeCount(end), most, leeway)
	}
	if n, ok := length(a[0]); ok && n <= most+leeway {
		return a[0], nil
	}
	s, err := textArg(a[0])
	if err != nil {
		return nil, err
	}
	cut := characters(s, 0, keep)
	if !boolArg(a[2]) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, r.grow(len(cut) + len(end))
}

func replaceFilter(r *run, a []any) (any, error) {
	var parts [3]string
	for i := range parts {
		var err error
		if parts[i], err = r.str(a[i]); err != nil {
			return nil, err
		}
	}
	if a[3] == nil {
		a[3] = missing
	}
	most, err := intArg(a[3], -1)
	if err != nil {
		return nil, err
	}
	return r.replace(parts[0], parts[1], parts[2], most)
}

func wordCount(r *run, a []any) (any, error) {
	s, err := r.str(a[0])
	if err != nil {
		return nil, err
	}
	n, inside := int64(0), false
	for _, c := range s {
		if word := isWord(c); word != inside {
			inside = word
			if word {
				n++
			}
		}
	}
	return n, nil
}

func intFilter(_ *run, a []any) (any, error) {
	otherwise := a[1]
	if otherwise == missing {
		otherwise = int64(0)
	}
	switch v := a[0].(type) {
	case *undefined:
		return nil, v.err()
	case bool, int64, *big.Int:
		i, _ := integer(v)
		return norm(i), nil
	case float64:
		i, err := truncated(v)
		if e, ok := err.(*Error); ok && e.Kind == ValueError {
			return otherwise, nil
		}
		return i, err
	case string, markup:
		s, _ := text(v)
		base, err := intArg(a[2], 10)
		if err != nil {
			return nil, err
		}
		if i, ok := parseInt(s, base); ok {
			return i, nil
		}
		if f, ok := parseFloat(s); ok {
			if i, err := truncated(f); err == nil {
				return i, nil
			}
		}
	}
	return otherwise, nil
}

func floatFilter(_ *run, a []any) (any, error) {
	if u, ok := a[0].(*undefined); ok {
		return nil, u.err()
	}
	if s, ok := text(a[0]); ok {
		if f, ok := parseFloat(s); ok {
			return f, nil
		}
	} else if f, ok, err := float(a[0]); ok {
		return f, err
	}
	if a[1] == missing {
		return 0.0, nil
	}
	return a[1], nil
}
