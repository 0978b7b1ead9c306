package jinja

import (
	"strconv"
	"strings"
)

// percent is Python's s % arg; with html, what is put in is escaped.
func (r *run) percent(s string, arg any, html bool) (string, error) {
	args, isTuple := []any{arg}, false
	if t, ok := arg.(*tuple); ok {
		args, isTuple = t.items, true
	}
	fields, _ := arg.(*Dict)
	used := 0
	next := func() (any, error) {
		if used >= len(args) {
			return nil, errorf(TypeError, "not enough arguments for format string")
		}
		used++
		return args[used-1], nil
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		p := spec{fill: ' ', sign: '-', prec: -1}
		var v any
		keyed := false
		if strings.HasPrefix(s, "(") {
			end := strings.IndexByte(s, ')')
			if u, ok := arg.(*undefined); ok {
				return "", u.err()
			}
			if end < 0 || fields == nil {
				return "", errorf(TypeError, "format requires a mapping")
			}
			var ok bool
			if v, ok = fields.Get(s[1:end]); !ok {
				return "", errorf(KeyError, "%s", quoted(s[1:end]))
			}
			keyed, s = true, s[end+1:]
		}
		n, err := r.percentFlags(s, &p, next)
		if err != nil {
			return "", err
		}
		s = s[n:]
		if s == "" {
			return "", errorf(ValueError, "incomplete format")
		}
		p.kind, s = s[0], s[1:]
		if p.kind == '%' {
			b.WriteByte('%')
			continue
		}
		if !keyed {
			if v, err = next(); err != nil {
				return "", err
			}
		}
		out, err := r.percentValue(v, p, html)
		if err != nil {
			return "", err
		}
		if err := r.grow(len(out)); err != nil {
			return "", err
		}
		b.WriteString(out)
	}
	_, isList := arg.(*List)
	if _, isUndefined := arg.(*undefined); used < len(args) && fields == nil && !isUndefined && (isTuple || !isList) {
		return "", errorf(TypeError, "not all arguments converted during string formatting")
	}
	return b.String(), nil
}

// percentFlags reads flags, width and precision and gives their size.
func (r *run) percentFlags(s string, p *spec, next func() (any, error)) (int, error) {
	i := 0
	for ; i < len(s) && strings.IndexByte("#0- +", s[i]) >= 0; i++ {
		switch s[i] {
		case '#':
			p.alt = true
		case '0':
			if p.align == 0 {
				p.align, p.fill = '=', '0'
			}
		case '-':
			p.align, p.fill = '<', ' '
		case '+':
			p.sign = '+'
		case ' ':
			if p.sign == '-' {
				p.sign = ' '
			}
		}
	}
	number := func() (int, error) {
		if i < len(s) && s[i] == '*' {
			i++
			v, err := next()
			if err != nil {
				return 0, err
			}
			return intArg(v, 0)
		}
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, err := strconv.Atoi("0" + s[start:i])
		if err != nil {
			return 0, errorf(ValueError, "width too big")
		}
		return n, nil
	}
	var err error
	if p.width, err = number(); err != nil {
		return 0, err
	}
	if p.width < 0 {
		p.width, p.align, p.fill = -p.width, '<', ' '
	}
	if i < len(s) && s[i] == '.' {
		i++
		if p.prec, err = number(); err != nil {
			return 0, err
		}
		p.prec = max(p.prec, 0)
	}
	if p.width > widest || p.prec > widest {
		return 0, errorf(Limit, "a width or precision of more than %d", widest)
	}
	for i < len(s) && strings.IndexByte("hlL", s[i]) >= 0 {
		i++
	}
	return i, nil
}

func (r *run) percentValue(v any, p spec, html bool) (string, error) {
	if u, ok := v.(*undefined); ok && strings.IndexByte("diueEfFgG", p.kind) >= 0 {
		return "", u.err()
	}
	switch p.kind {
	case 's', 'r', 'a':
		var s string
		var err error
		if p.kind == 's' {
			s, err = r.str(v)
		} else {
			s, err = r.repr(v)
		}
		if err != nil {
			return "", err
		}
		if p.kind == 'a' && len(s) != runeCount(s) {
			return "", errorf(Unsupported, "%%a with characters beyond ASCII")
		}
		if html {
			m, err := r.escaped(like(v, s))
			if err != nil {
				return "", err
			}
			s = string(m)
		}
		if p.align != '<' {
			p.align, p.fill = '>', ' '
		}
		return r.formatText(s, p)
	case 'c':
		if s, ok := text(v); ok {
			if runeLen(s) == 0 || runeLen(s) != len(s) {
				return "", errorf(TypeError, "%%c requires int or char")
			}
			return r.pad(s, p.width, ' ', max(p.align, '<'))
		}
		fallthrough
	case 'd', 'i', 'u', 'o', 'x', 'X':
		i, ok := integer(v)
		if f, isFloat := v.(float64); isFloat && strings.IndexByte("diu", p.kind) >= 0 {
			t, err := truncated(f)
			if err != nil {
				return "", err
			}
			i, ok = integer(t)
		}
		if !ok {
			return "", errorf(TypeError, "%%%c format: a number is required, not %s", p.kind, typeName(v))
		}
		if p.kind == 'i' || p.kind == 'u' {
			p.kind = 'd'
		}
		zeros := p.prec
		p.prec = -1
		if zeros > len(i.Text(10)) {
			return "", errorf(Unsupported, "a precision with %%%c", p.kind)
		}
		return r.formatInt(i, p)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		f, ok, err := float(v)
		if err != nil {
			return "", err
		}
		if !ok {
			return "", errorf(TypeError, "must be real number, not %s", typeName(v))
		}
		return r.formatFloat(f, p)
	}
	return "", errorf(ValueError, "unsupported format character '%c'", p.kind)
}

// formatText is str.format.
func formatText(r *run, c call) (any, error) {
	s, _ := text(c.args[0])
	f := &formatter{run: r, args: c.args[1:], kw: c.kw, html: isMarkup(c.args[0])}
	out, err := r.growText(f.format(s, 2))
	return like(c.args[0], out), err
}

func formatMap(r *run, a []any) (any, error) {
	d, ok := a[1].(*Dict)
	if !ok {
		return nil, errorf(TypeError, "format_map() argument must be a dict, not %s", typeName(a[1]))
	}
	c := call{args: a[:1]}
	for k, v := range d.All {
		if err := r.step(); err != nil {
			return nil, err
		}
		if name, ok := text(k); ok {
			c.kw = append(c.kw, keyword{name, v})
		}
	}
	return formatText(r, c)
}

type formatter struct {
	run    *run
	args   []any
	kw     []keyword
	html   bool
	auto   int
	manual bool
}

// format fills in the fields; depth bounds fields within fields' specs.
func (f *formatter) format(s string, depth int) (string, error) {
	if depth == 0 {
		return "", errorf(ValueError, "Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "{{") || strings.HasPrefix(s[i:], "}}"):
			b.WriteByte(s[i])
			i += 2
		case s[i] == '}':
			return "", errorf(ValueError, "Single '}' encountered in format string")
		case s[i] == '{':
			end, open := i+1, 1
			for ; end < len(s) && open > 0; end++ {
				switch s[end] {
				case '{':
					open++
				case '}':
					open--
				}
			}
			if open > 0 {
				return "", errorf(ValueError, "expected '}' before end of string")
			}
			out, err := f.field(s[i+1:end-1], depth)
			if err != nil {
				return "", err
			}
			if err := f.run.grow(len(out)); err != nil {
				return "", err
			}
			b.WriteString(out)
			i = end
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String(), nil
}

// field is name[!conversion][:spec].
func (f *formatter) field(s string, depth int) (string, error) {
	name, layout := s, ""
	for i := 0; i < len(s); i++ {
		if s[i] == '[' {
			j := strings.IndexByte(s[i:], ']')
			if j < 0 {
				break // lookup says so
			}
			i += j
		} else if s[i] == ':' || s[i] == '!' {
			name, layout = s[:i], s[i:]
			break
		}
	}
	v, err := f.lookup(name)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(layout, "!") {
		if len(layout) < 2 || len(layout) > 2 && layout[2] != ':' {
			return "", errorf(ValueError, "expected ':' after conversion specifier")
		}
		switch layout[1] {
		case 's':
			v, err = f.run.str(v)
		case 'r':
			v, err = f.run.repr(v)
		default:
			err = errorf(Unsupported, "the conversion !%c", layout[1])
		}
		if err != nil {
			return "", err
		}
		layout = layout[2:]
	}
	layout, err = f.format(strings.TrimPrefix(layout, ":"), depth-1+boolInt(layout == ""))
	if err != nil {
		return "", err
	}
	out, err := f.run.format(v, layout)
	if err == nil && f.html {
		m, err := f.run.escaped(like(v, out))
		return string(m), err
	}
	return out, err
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lookup resolves name, 0, or nothing, followed by .attribute and [key].
func (f *formatter) lookup(name string) (any, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	first, rest := name[:end], name[end:]
	v, err := f.first(first)
	for err == nil && rest != "" {
		if err := f.run.step(); err != nil {
			return nil, err
		}
		var key string
		if rest[0] == '.' {
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			key, rest = rest[1:1+end], rest[1+end:]
			v, err = f.run.attribute(v, key)
			continue
		}
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return nil, errorf(ValueError, "expected '}' before end of string")
		}
		key, rest = rest[1:end], rest[end+1:]
		if i, convErr := strconv.ParseInt(key, 10, 64); convErr == nil && i >= 0 {
			v, err = f.run.item(v, i)
		} else {
			v, err = f.run.item(v, key)
		}
	}
	return v, err
}

func (f *formatter) first(name string) (any, error) {
	if err := f.run.read(itemBytes * len(f.kw)); err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(name)
	switch {
	case name == "":
		if f.manual {
			return nil, errorf(ValueError, "cannot switch from manual field specification to automatic field numbering")
		}
		i = f.auto
		f.auto++
	case err == nil:
		if f.auto > 0 {
			return nil, errorf(ValueError, "cannot switch from automatic field numbering to manual field specification")
		}
		f.manual = true
	default:
		for _, k := range f.kw {
			if k.name == name {
				return k.value, nil
			}
		}
		return nil, errorf(KeyError, "%s", quoted(name))
	}
	if i < 0 || i >= len(f.args) {
		return nil, errorf(IndexError, "Replacement index %d out of range for positional args tuple", i)
	}
	return f.args[i], nil
}
