package jinja

import (
	"strings"
	"unicode"
)

// stringMethods are those of str; of markup they give markup.
var stringMethods = map[string]builtin{}

func init() {
	plain := func(f func(string) string) builtin {
		return builtin{params: "/self", fn: func(r *run, a []any) (any, error) {
			s, _ := text(a[0])
			if err := r.grow(4 * len(s)); err != nil {
				return nil, err
			}
			return like(a[0], f(s)), nil
		}}
	}
	is := func(f func(string) bool) builtin {
		return builtin{params: "/self", fn: func(_ *run, a []any) (any, error) {
			s, _ := text(a[0])
			return f(s), nil
		}}
	}
	every := func(f func(rune) bool) builtin {
		return is(func(s string) bool {
			return s != "" && strings.IndexFunc(s, func(r rune) bool { return !f(r) }) < 0
		})
	}
	for name, b := range map[string]builtin{
		"upper": plain(upper), "lower": plain(lower), "casefold": plain(foldCase),
		"capitalize": plain(capitalize), "title": plain(titled), "swapcase": plain(swapcase),

		"isupper": is(func(s string) bool { return isCased(s, unicode.IsLower) }),
		"islower": is(func(s string) bool { return isCased(s, unicode.IsUpper) }),
		"istitle": is(isTitle),
		"isascii": is(func(s string) bool { return len(s) == runeCount(s) }),
		"isidentifier": is(func(s string) bool {
			return s != "" && strings.IndexFunc(s, func(r rune) bool { return !isWord(r) }) < 0 && strings.IndexFunc(s, unicode.IsNumber) != 0
		}),
		"isprintable": is(func(s string) bool {
			return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
		}),
		"isalpha": every(unicode.IsLetter), "isspace": every(isSpace),
		"isdecimal": every(unicode.IsDigit), "isdigit": every(isDigit), "isnumeric": every(unicode.IsNumber),
		"isalnum": every(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),

		"strip":  {params: "/self chars?", fn: strip(true, true)},
		"lstrip": {params: "/self chars?", fn: strip(true, false)},
		"rstrip": {params: "/self chars?", fn: strip(false, true)},
		"split":  {params: "self sep? maxsplit?", fn: split(false)},
		"rsplit": {params: "self sep? maxsplit?", fn: split(true)},
		"splitlines": {params: "self keepends?", fn: func(r *run, a []any) (any, error) {
			s, _ := text(a[0])
			p := &pieces{run: r, of: a[0]}
			err := eachLine(s, boolArg(a[1]), p.add)
			return &List{p.items}, err
		}},
		"partition":    {params: "/self sep", fn: partition(false)},
		"rpartition":   {params: "/self sep", fn: partition(true)},
		"startswith":   {params: "/self prefix start? end?", fn: affix(strings.HasPrefix)},
		"endswith":     {params: "/self suffix start? end?", fn: affix(strings.HasSuffix)},
		"removeprefix": {params: "/self prefix", fn: remove(strings.TrimPrefix)},
		"removesuffix": {params: "/self suffix", fn: remove(strings.TrimSuffix)},
		"find":         {params: "/self sub start? end?", fn: find((*run).index, false)},
		"rfind":        {params: "/self sub start? end?", fn: find((*run).lastIndex, false)},
		"index":        {params: "/self sub start? end?", fn: find((*run).index, true)},
		"rindex":       {params: "/self sub start? end?", fn: find((*run).lastIndex, true)},
		"count":        {params: "/self sub start? end?", fn: countText},
		"replace":      {params: "/self old new count?", fn: replaceText},
		"join":         {params: "/self iterable", fn: joinText},
		"center":       {params: "/self width fillchar?", fn: justify('^')},
		"ljust":        {params: "/self width fillchar?", fn: justify('<')},
		"rjust":        {params: "/self width fillchar?", fn: justify('>')},
		"zfill":        {params: "/self width", fn: zfill},
		"expandtabs":   {params: "self tabsize?", fn: expandTabs},
		"format":       {raw: formatText},
		"format_map":   {params: "/self mapping", fn: formatMap},
	} {
		stringMethods[name] = b
	}
}

func foldCase(s string) string {
	return lower(strings.NewReplacer("ß", "ss", "ẞ", "ss", "ς", "σ").Replace(s))
}

func isDigit(r rune) bool {
	return unicode.IsDigit(r) || unicode.Is(unicode.No, r) && (r == 0xb2 || r == 0xb3 || r == 0xb9 || r >= 0x2070 && r <= 0x2089 || r >= 0x2460 && r <= 0x249b)
}

func strip(left, right bool) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		s, _ := text(a[0])
		cut, err := r.stripper(s, a[1])
		if err != nil {
			return nil, err
		}
		if left {
			s = strings.TrimLeftFunc(s, cut)
		}
		if right {
			s = strings.TrimRightFunc(s, cut)
		}
		return like(a[0], s), nil
	}
}

func split(fromEnd bool) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		s, _ := text(a[0])
		most, err := intArg(a[2], -1)
		if err != nil {
			return nil, err
		}
		p := &pieces{run: r, of: a[0]}
		if a[1] == missing || a[1] == nil {
			if fromEnd {
				err = p.splitSpaceFromEnd(s, most)
			} else {
				err = p.splitSpace(s, most)
			}
			return &List{p.items}, err
		}
		sep, err := textArg(a[1])
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, errorf(ValueError, "empty separator")
		}
		if fromEnd {
			err = p.splitAtFromEnd(s, sep, most)
		} else {
			err = p.splitAt(s, sep, most)
		}
		return &List{p.items}, err
	}
}

func partition(fromEnd bool) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		s, _ := text(a[0])
		sep, err := textArg(a[1])
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, errorf(ValueError, "empty separator")
		}
		index := r.index
		if fromEnd {
			index = r.lastIndex
		}
		i, err := index(s, sep)
		switch {
		case err != nil:
			return nil, err
		case i < 0 && fromEnd:
			return &tuple{[]any{like(a[0], ""), like(a[0], ""), a[0]}}, nil
		case i < 0:
			return &tuple{[]any{a[0], like(a[0], ""), like(a[0], "")}}, nil
		}
		return &tuple{[]any{like(a[0], s[:i]), like(a[0], sep), like(a[0], s[i+len(sep):])}}, nil
	}
}

// part is s[start:end] with Python's indices, and the characters before it.
func part(s string, start, end any) (string, int, error) {
	n := runeCount(s)
	from, to, err := window(start, end, n)
	if err != nil || to < from {
		return "", from, err
	}
	return characters(s, from, to), from, nil
}

func affix(has func(s, x string) bool) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		s, _ := text(a[0])
		s, _, err := part(s, a[2], a[3])
		if err != nil {
			return nil, err
		}
		options := []any{a[1]}
		if t, ok := a[1].(*tuple); ok {
			options = t.items
		}
		for _, o := range options {
			if err := r.readValues(o); err != nil {
				return nil, err
			}
			if err := r.step(); err != nil {
				return nil, err
			}
			x, ok := text(o)
			if !ok {
				return nil, errorf(TypeError, "startswith or endswith takes str or a tuple of str, not %s", typeName(o))
			}
			if has(s, x) {
				return true, nil
			}
		}
		return false, nil
	}
}

func remove(trim func(s, x string) string) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		s, _ := text(a[0])
		x, err := textArg(a[1])
		return like(a[0], trim(s, x)), err
	}
}

func find(index func(r *run, s, sub string) (int, error), must bool) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		s, _ := text(a[0])
		sub, err := textArg(a[1])
		if err != nil {
			return nil, err
		}
		p, before, err := part(s, a[2], a[3])
		if err != nil {
			return nil, err
		}
		i, err := index(r, p, sub)
		if err != nil {
			return nil, err
		}
		if from, ok := small(a[2]); ok && sub == "" && from > int64(runeCount(s)) {
			i = -1
		}
		if i >= 0 {
			return int64(before + runeCount(p[:i])), nil
		}
		if must {
			return nil, errorf(ValueError, "substring not found")
		}
		return int64(-1), nil
	}
}

func countText(r *run, a []any) (any, error) {
	s, _ := text(a[0])
	sub, err := textArg(a[1])
	if err != nil {
		return nil, err
	}
	p, _, err := part(s, a[2], a[3])
	if err != nil {
		return nil, err
	}
	n, err := r.count(p, sub)
	return int64(n), err
}

func replaceText(r *run, a []any) (any, error) {
	s, _ := text(a[0])
	var parts [2]string
	for i := range parts {
		if i == 1 && isMarkup(a[0]) {
			m, err := r.escaped(a[2])
			if err != nil {
				return nil, err
			}
			parts[1] = string(m)
			continue
		}
		t, ok := text(a[1+i])
		if !ok {
			return nil, errorf(TypeError, "replace() argument %d must be str, not %s", i+1, typeName(a[1+i]))
		}
		parts[i] = t
	}
	most, err := intArg(a[3], -1)
	if err != nil {
		return nil, err
	}
	out, err := r.replace(s, parts[0], parts[1], most)
	return like(a[0], out), err
}

func joinText(r *run, a []any) (any, error) {
	sep, _ := text(a[0])
	items, err := r.items(a[1])
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, item := range items {
		s, ok := text(item)
		if isMarkup(a[0]) {
			m, err := r.escaped(item)
			if err != nil {
				return nil, err
			}
			s, ok = string(m), true
		}
		if !ok {
			return nil, errorf(TypeError, "sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		if err := r.grow(len(s) + len(sep)); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
	}
	return like(a[0], b.String()), nil
}

func justify(align byte) func(*run, []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		s, _ := text(a[0])
		width, err := intArg(a[1], 0)
		if err != nil {
			return nil, err
		}
		fill := ' '
		if a[2] != missing {
			f, ok := text(a[2])
			if !ok || runeCount(f) != 1 {
				return nil, errorf(TypeError, "The fill character must be exactly one character long")
			}
			fill = []rune(f)[0]
		}
		if n := width - runeCount(s); align == '^' && n > 0 && n%2 == 1 && width%2 == 1 {
			// str.center puts the odd one left where the width is odd.
			if s, err = r.pad(s, runeCount(s)+1, fill, '>'); err != nil {
				return nil, err
			}
		}
		out, err := r.pad(s, width, fill, align)
		return like(a[0], out), err
	}
}

func zfill(r *run, a []any) (any, error) {
	s, _ := text(a[0])
	width, err := intArg(a[1], 0)
	if err != nil {
		return nil, err
	}
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	out, err := r.pad(s, width-len(sign), '0', '>')
	return like(a[0], sign+out), err
}

func expandTabs(r *run, a []any) (any, error) {
	s, _ := text(a[0])
	size, err := intArg(a[1], 8)
	if err != nil {
		return nil, err
	}
	if err := r.grow(len(s)); err != nil {
		return nil, err
	}
	var b strings.Builder
	column := 0
	for _, c := range s {
		switch {
		case c == '\t' && size > 0:
			n := size - column%size
			if err := r.grow(n); err != nil {
				return nil, err
			}
			b.WriteString(strings.Repeat(" ", n))
			column += n
		case c == '\t':
		case c == '\n' || c == '\r':
			b.WriteRune(c)
			column = 0
		default:
			b.WriteRune(c)
			column++
		}
	}
	return like(a[0], b.String()), nil
}
