package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// A spec is how str.format and % lay out one value:
// [[fill]align][sign][#][0][width][,|_][.precision][type].
type spec struct {
	fill  rune
	align byte // '<', '>', '^', '=' or 0
	sign  byte // '-', '+' or ' '
	alt   bool
	width int
	group string
	prec  int // -1 where not given
	kind  byte
}

// widest bounds width and precision.
const widest = 1 << 16

func parseSpec(s string) (spec, error) {
	p := spec{fill: ' ', sign: '-', prec: -1}
	bad := func() (spec, error) { return p, errorf(ValueError, "Invalid format specifier '%s'", s) }
	const longest = 1000
	if len(s) > longest {
		return p, errorf(Limit, "a format of more than %d bytes", longest)
	}
	rest := []rune(s)
	isAlign := func(i int) bool { return len(rest) > i && strings.ContainsRune("<>^=", rest[i]) }
	if isAlign(1) {
		p.fill, p.align, rest = rest[0], byte(rest[1]), rest[2:]
	} else if isAlign(0) {
		p.align, rest = byte(rest[0]), rest[1:]
	}
	take := func(set string) byte {
		if len(rest) > 0 && strings.ContainsRune(set, rest[0]) {
			c := byte(rest[0])
			rest = rest[1:]
			return c
		}
		return 0
	}
	number := func() (int, bool) {
		n := 0
		start := len(rest)
		for len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			n = min(10*n+int(rest[0]-'0'), widest+1)
			rest = rest[1:]
		}
		return n, len(rest) < start
	}
	if c := take("+- "); c != 0 {
		p.sign = c
	}
	p.alt = take("#") != 0
	if take("0") != 0 {
		if p.align == 0 {
			p.align = '='
			p.fill = '0'
		}
	}
	p.width, _ = number()
	if c := take(",_"); c != 0 {
		p.group = string(c)
	}
	if take(".") != 0 {
		n, ok := number()
		if !ok {
			return p, errorf(ValueError, "Format specifier missing precision")
		}
		p.prec = n
	}
	if len(rest) > 0 && rest[0] < 0x80 {
		p.kind, rest = byte(rest[0]), rest[1:]
	}
	if len(rest) > 0 {
		return bad()
	}
	if p.width > widest || p.prec > widest {
		return p, errorf(Limit, "a width or precision of more than %d", widest)
	}
	return p, nil
}

// format is Python's format(v, text of a spec).
func (r *run) format(v any, s string) (string, error) {
	if s == "" {
		return r.str(v)
	}
	p, err := parseSpec(s)
	if err != nil {
		return "", err
	}
	if t, ok := text(v); ok {
		if p.kind != 0 && p.kind != 's' || p.align == '=' && p.fill != '0' || p.sign != '-' || p.alt || p.group != "" {
			return "", errorf(ValueError, "format '%s' is not for a str", s)
		}
		return r.formatText(t, p)
	}
	if i, ok := integer(v); ok && !strings.ContainsRune("eEfFgG%", rune(p.kind)) {
		return r.formatInt(i, p)
	}
	f, ok, err := float(v)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errorf(TypeError, "unsupported format string passed to %s.__format__", typeName(v))
	}
	return r.formatFloat(f, p)
}

func (r *run) formatText(s string, p spec) (string, error) {
	if err := r.read(len(s)); err != nil {
		return "", err
	}
	if p.prec >= 0 {
		s = characters(s, 0, p.prec)
	}
	if p.align == 0 || p.align == '=' {
		p.align = '<'
	}
	return r.pad(s, p.width, p.fill, p.align)
}

func (r *run) formatInt(i *big.Int, p spec) (string, error) {
	base, prefix := 10, ""
	switch p.kind {
	case 0, 'd', 'n':
	case 'b':
		base, prefix = 2, "0b"
	case 'o':
		base, prefix = 8, "0o"
	case 'x', 'X':
		base, prefix = 16, "0"+string(p.kind)
	case 'c':
		if !i.IsInt64() || i.Int64() < 0 || i.Int64() > 0x10ffff {
			return "", errorf(Overflow, "%%c arg not in range(0x110000)")
		}
		return r.formatText(string(rune(i.Int64())), p)
	default:
		return "", errorf(ValueError, "Unknown format code '%c' for object of type 'int'", p.kind)
	}
	if p.prec >= 0 {
		return "", errorf(ValueError, "Precision not allowed in integer format specifier")
	}
	digits := new(big.Int).Abs(i).Text(base)
	if p.kind == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !p.alt {
		prefix = ""
	}
	return r.layout(i.Sign() < 0, prefix, digits, p)
}

func (r *run) formatFloat(f float64, p spec) (string, error) {
	percent := p.kind == '%'
	if percent {
		f *= 100
	}
	digits, err := floatDigits(math.Abs(f), p)
	if err != nil {
		return "", err
	}
	if percent {
		digits += "%"
	}
	return r.layout(math.Signbit(f) && !math.IsNaN(f), "", digits, p)
}

// floatDigits writes a float that is not negative.
func floatDigits(f float64, p spec) (string, error) {
	upper := p.kind == 'E' || p.kind == 'F' || p.kind == 'G'
	var s string
	prec := p.prec
	if prec < 0 {
		prec = 6
	}
	switch {
	case math.IsInf(f, 0):
		s = "inf"
	case math.IsNaN(f):
		s = "nan"
	default:
		switch p.kind {
		case 'f', 'F', '%':
			s = strconv.FormatFloat(f, 'f', prec, 64)
			if p.alt && prec == 0 {
				s += "."
			}
		case 'e', 'E':
			s = strconv.FormatFloat(f, 'e', prec, 64)
		case 'g', 'G', 'n':
			if p.alt {
				return "", errorf(Unsupported, "# with the format %c", p.kind)
			}
			s = strconv.FormatFloat(f, 'g', max(prec, 1), 64)
		case 0:
			if p.prec < 0 {
				s = floatText(f)
			} else if s = strconv.FormatFloat(f, 'g', max(prec, 1), 64); !strings.ContainsAny(s, ".e") {
				// A float without a type shows a digit behind the point, and
				// takes an exponent one digit earlier than g.
				if len(s) >= max(prec, 1) {
					s = strconv.FormatFloat(f, 'e', max(prec, 1)-1, 64)
					mantissa, exp, _ := strings.Cut(s, "e")
					if strings.Contains(mantissa, ".") {
						mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
					}
					s = mantissa + "e" + exp
				} else {
					s += ".0"
				}
			}
		default:
			return "", errorf(ValueError, "Unknown format code '%c' for object of type 'float'", p.kind)
		}
	}
	if upper {
		s = strings.ToUpper(s)
	}
	return s, nil
}

// layout puts sign, prefix and digits into the width.
func (r *run) layout(negative bool, prefix, digits string, p spec) (string, error) {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case p.sign != '-':
		sign = string(p.sign)
	}
	if p.group != "" {
		every := 3
		if strings.ContainsRune("boxX", rune(p.kind)) && p.kind != 0 {
			every = 4
		}
		digits = grouped(digits, p.group, every, p.width-len(sign)-len(prefix), p.align == '=' && p.fill == '0')
	}
	head := sign + prefix
	if p.align == '=' {
		body, err := r.pad(digits, p.width-len(head), p.fill, '>')
		return head + body, err
	}
	if p.align == 0 {
		p.align = '>'
	}
	return r.pad(head+digits, p.width, p.fill, p.align)
}

// grouped puts a separator between the digits before the point; with zeros,
// it fills the width with zeros first.
func grouped(digits, sep string, every, width int, zeros bool) string {
	end := strings.IndexFunc(digits, func(c rune) bool { return c == '.' || c == 'e' || c == 'E' || c == '%' })
	if end < 0 || every == 4 {
		end = len(digits)
	}
	whole, rest := digits[:end], digits[end:]
	size := len(whole)
	for zeros && size+(size-1)/every+len(rest) < width {
		size++
	}
	whole = strings.Repeat("0", size-len(whole)) + whole
	var b strings.Builder
	for i := range size {
		if i > 0 && (size-i)%every == 0 {
			b.WriteString(sep)
		}
		b.WriteByte(whole[i])
	}
	return b.String() + rest
}
