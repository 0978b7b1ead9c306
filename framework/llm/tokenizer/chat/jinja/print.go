package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostPrinted bounds texts that are made outside of a run's count.
const mostPrinted = 1 << 20

// printer writes values as Python's repr does, up to a number of bytes.
type printer struct {
	b   strings.Builder
	max int
}

// repr is Python's repr(v).
func repr(v any) (string, error) { return printed(v, mostPrinted) }

func printed(v any, max int) (string, error) {
	p := &printer{max: max}
	err := p.value(v, 0)
	return p.b.String(), err
}

// str is Python's str(v).
func str(v any) (string, error) { return strWithin(v, mostPrinted) }

func strWithin(v any, max int) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case markup:
		return string(v), nil
	case *undefined:
		return "", nil
	}
	return printed(v, max)
}

// str and repr of a run count what they make.
func (r *run) str(v any) (string, error) {
	if s, ok := text(v); ok {
		return s, nil
	}
	return r.growText(strWithin(v, r.limits.Memory-r.memory))
}

func (r *run) repr(v any) (string, error) {
	return r.growText(printed(v, r.limits.Memory-r.memory))
}

func (p *printer) write(s string) error {
	if p.b.Len()+len(s) > p.max {
		return errorf(Limit, "more than %d bytes of text", p.max)
	}
	p.b.WriteString(s)
	return nil
}

func (p *printer) value(v any, depth int) error {
	if depth > deepest {
		return errTooDeep()
	}
	switch v := v.(type) {
	case nil:
		return p.write("None")
	case bool:
		if v {
			return p.write("True")
		}
		return p.write("False")
	case int64:
		return p.write(strconv.FormatInt(v, 10))
	case *big.Int:
		return p.write(v.String())
	case float64:
		return p.write(floatText(v))
	case string:
		return p.quoted(v)
	case markup:
		if err := p.write("Markup("); err != nil {
			return err
		}
		if err := p.quoted(string(v)); err != nil {
			return err
		}
		return p.write(")")
	case *undefined:
		return p.write("Undefined")
	case *List:
		return p.sequence("[", v.Items, "]", depth)
	case *tuple:
		if len(v.items) == 1 {
			return p.sequence("(", v.items, ",)", depth)
		}
		return p.sequence("(", v.items, ")", depth)
	case *Dict:
		return p.dict(v, depth)
	case *view:
		items := make([]any, v.of.Len())
		for i := range items {
			items[i] = v.at(i)
		}
		return p.sequence(v.kind+"([", items, "])", depth)
	case *rangeValue:
		if v.step == 1 {
			return p.write(fmt.Sprintf("range(%d, %d)", v.start, v.stop))
		}
		return p.write(fmt.Sprintf("range(%d, %d, %d)", v.start, v.stop, v.step))
	case *namespace:
		if err := p.write("<Namespace "); err != nil {
			return err
		}
		if err := p.dict(v.fields, depth); err != nil {
			return err
		}
		return p.write(">")
	case *macro:
		return p.write("<Macro " + quoted(v.def.name) + ">")
	case *loop:
		n, err := v.length()
		if err != nil {
			return err
		}
		return p.write(fmt.Sprintf("<LoopContext %d/%d>", v.index0+1, n))
	}
	// Python prints an address, which differs from run to run.
	return errorf(Unsupported, "a %s cannot be printed", typeName(v))
}

func (p *printer) sequence(open string, items []any, end string, depth int) error {
	if err := p.write(open); err != nil {
		return err
	}
	for i, item := range items {
		if i > 0 {
			if err := p.write(", "); err != nil {
				return err
			}
		}
		if err := p.value(item, depth+1); err != nil {
			return err
		}
	}
	return p.write(end)
}

func (p *printer) dict(d *Dict, depth int) error {
	if err := p.write("{"); err != nil {
		return err
	}
	for i, k := range d.keys {
		if i > 0 {
			if err := p.write(", "); err != nil {
				return err
			}
		}
		if err := p.value(k, depth+1); err != nil {
			return err
		}
		if err := p.write(": "); err != nil {
			return err
		}
		if err := p.value(d.values[i], depth+1); err != nil {
			return err
		}
	}
	return p.write("}")
}

// quoted writes the repr of a string.
func (p *printer) quoted(s string) error {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	return p.escaped(s, quote, func(c rune) string {
		switch {
		case c == rune(quote) || c == '\\':
			return `\` + string(c)
		case c == '\n':
			return `\n`
		case c == '\r':
			return `\r`
		case c == '\t':
			return `\t`
		case !unicode.IsPrint(c):
			return asciiEscape(c)
		}
		return ""
	})
}

// escaped writes s between quotes, with what escape gives for a character, if
// not "", in its place.
func (p *printer) escaped(s string, quote byte, escape func(rune) string) error {
	p.b.WriteByte(quote)
	plain := 0 // where the characters not yet written begin
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if e := escape(c); e != "" {
			if err := p.write(s[plain:i] + e); err != nil {
				return err
			}
			plain = i + n
		}
		i += n
	}
	return p.write(s[plain:] + string(quote))
}

// quoted is the repr of a string.
func quoted(s string) string {
	p := &printer{max: math.MaxInt}
	_ = p.quoted(s) // only its bound can fail
	return p.b.String()
}

// floatText is the repr of a float: the shortest digits that give it back, an
// exponent below 1e-4 and from 1e16 on.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, err := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if err == nil && (exp < -4 || exp >= 16) {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func runeCount(s string) int { return utf8.RuneCountInString(s) }

// runeLen is the size of the first character.
func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
