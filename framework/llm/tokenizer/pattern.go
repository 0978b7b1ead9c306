package tokenizer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// finder reports the matches of a pattern in s from left to right; none is
// empty and none overlaps another.
type finder func(s string, found func(from, to int))

// pattern reads the pattern of a Split or Replace: {"String":...} or
// {"Regex":...}. shortest is the least number of bytes that a match has.
func (c component) pattern() (find finder, shortest int, err error) {
	var o struct {
		Pattern json.RawMessage `json:"pattern"`
	}
	if err := c.options(&o); err != nil {
		return nil, 0, err
	}
	var p struct{ String, Regex *string }
	if err := json.Unmarshal(o.Pattern, &p); err != nil || p.String == nil && p.Regex == nil {
		return nil, 0, fmt.Errorf("%s (%s): needs a pattern with a String or a Regex", c.path, c.kind)
	}
	switch {
	case p.String != nil && *p.String == "" || p.Regex != nil && *p.Regex == "":
		return nil, 0, fmt.Errorf("%s (%s): the pattern is empty", c.path, c.kind)
	case p.String != nil:
		return literal(*p.String), len(*p.String), nil
	}
	if next, ok := patterns[*p.Regex]; ok {
		return scan(next), 1, nil
	}
	if *c.regexps++; *c.regexps > maxRegexps {
		return nil, 0, fmt.Errorf("%s (%s): more than %d patterns Regex", c.path, c.kind, maxRegexps)
	}
	re, err := plainRegexp(*p.Regex)
	if err != nil {
		return nil, 0, fmt.Errorf("%s (%s): pattern Regex %q is not supported here: %w", c.path, c.kind, *p.Regex, err)
	}
	return func(s string, found func(from, to int)) {
		for _, m := range re.FindAllStringIndex(s, -1) {
			found(m[0], m[1])
		}
	}, 1, nil
}

func literal(p string) finder {
	return func(s string, found func(from, to int)) {
		for from := 0; ; {
			at := strings.Index(s[from:], p)
			if at < 0 {
				return
			}
			at += from
			from = at + len(p)
			found(at, from)
		}
	}
}

func scan(next func(string) int) finder {
	return func(s string, found func(from, to int)) {
		for from := 0; from < len(s); {
			to := from + next(s[from:])
			found(from, to)
			from = to
		}
	}
}

// plainRegexp compiles a regular expression that means the same to Oniguruma,
// which the tokenizers library uses, and to Go: characters, sets of them, \s,
// \p{L}, \p{N}, \p{M}, groups, alternatives and repetition. Anchors, flags,
// look-around, back references, possessive repetition and other classes are
// refused, and what would take much more memory than it has characters.
func plainRegexp(p string) (*regexp.Regexp, error) {
	if len(p) > maxRegexp || strings.Count(p, `\p`)+strings.Count(p, `\s`) > maxClasses {
		return nil, fmt.Errorf("it has more than %d bytes or %d classes", maxRegexp, maxClasses)
	}
	var b strings.Builder
	set := false
	for i := 0; i < len(p); i++ {
		rest := p[i:]
		switch {
		case rest[0] == '\\':
			n, text, err := escape(rest, set)
			if err != nil {
				return nil, err
			}
			b.WriteString(text)
			i += n - 1
			continue
		case !set && rest[0] == '[':
			set = true
			if strings.HasPrefix(rest, "[^") {
				b.WriteByte('[')
				i++
			}
			if strings.HasPrefix(p[i+1:], "]") {
				return nil, fmt.Errorf("a set that begins with ] is not known")
			}
		case set && rest[0] == ']':
			set = false
		case set && (rest[0] == '[' || strings.HasPrefix(rest, "&&")):
			return nil, fmt.Errorf("a set inside a set is not known")
		case set:
		case strings.ContainsRune("^$.", rune(rest[0])):
			return nil, fmt.Errorf("%q is not known", rest[:1])
		case strings.HasPrefix(rest, "(?") && !strings.HasPrefix(rest, "(?:"):
			return nil, fmt.Errorf("group %.4q is not known", rest)
		case rest[0] == '{' && (!repetition.MatchString(rest) || i > 0 && p[i-1] == ')'):
			return nil, fmt.Errorf("repetition %.6q is not known", rest)
		}
		b.WriteByte(p[i])
	}
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, err
	}
	if re.MatchString("") {
		return nil, fmt.Errorf("it matches the empty text")
	}
	return re, nil
}

// A class takes some ten kilobytes each time it stands in a pattern.
const (
	maxRegexps = 32 // in a normaliser, pre-tokeniser or decoder
	maxRegexp  = 200
	maxClasses = 8
)

var repetition = regexp.MustCompile(`^\{[0-9](,[0-9]?)?\}([^?+]|$)`)

// escape translates the escape at the beginning of p, n bytes long, that stands
// inside or outside a set.
func escape(p string, set bool) (n int, text string, err error) {
	for _, known := range []struct {
		name  string
		class class
	}{{`\s`, space}, {`\p{L}`, letter}, {`\p{N}`, number}, {`\p{M}`, mark}} {
		if strings.HasPrefix(p, known.name) {
			if text = ranges(known.class); !set {
				text = "[" + text + "]"
			}
			return len(known.name), text, nil
		}
	}
	if len(p) > 1 && strings.ContainsRune(`nrtf\.+*?()|[]{}^$-/"'`, rune(p[1])) {
		return 2, p[:2], nil
	}
	return 0, "", fmt.Errorf("%.6q is not known", p)
}

// ranges writes a class as the inside of a set.
func ranges(c class) string {
	var b strings.Builder
	first, last := int32(-1), int32(-2)
	write := func() {
		if first >= 0 {
			fmt.Fprintf(&b, `\x{%x}-\x{%x}`, first, last)
		}
	}
	for _, r := range classRanges {
		switch {
		case class(r[2])&c == 0:
		case r[0] == last+1:
			last = r[1]
		default:
			write()
			first, last = r[0], r[1]
		}
	}
	write()
	return b.String()
}
