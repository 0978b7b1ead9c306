package jinja

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// upper and lower are Python's, with the mappings to several characters and
// the final sigma. A Caser has state, so each call makes its own.
func upper(s string) string { return uppercase().String(s) }

func lower(s string) string { return lowercase().String(s) }

func uppercase() cases.Caser { return cases.Upper(language.Und) }

func lowercase() cases.Caser { return cases.Lower(language.Und, cases.HandleFinalSigma(true)) }

func titlecase() cases.Caser { return cases.Title(language.Und, cases.NoLower) }

func capitalize(s string) string {
	if s == "" {
		return ""
	}
	n := runeLen(s)
	return titlecase().String(s[:n]) + lower(s[n:])
}

// titled is str.title: each letter after a character without case is upper.
func titled(s string) string {
	var b strings.Builder
	title, lower := titlecase(), lowercase()
	inside := false
	for _, r := range s {
		if inside {
			b.WriteString(lower.String(string(r)))
		} else {
			b.WriteString(title.String(string(r)))
		}
		inside = cased(r)
	}
	return b.String()
}

func swapcase(s string) string {
	var b strings.Builder
	upper, lower := uppercase(), lowercase()
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lower.String(string(r)))
		case unicode.IsLower(r):
			b.WriteString(upper.String(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func cased(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) }

// isCased says whether s has a cased character and none of the other case.
func isCased(s string, wrong func(rune) bool) bool {
	any := false
	for _, r := range s {
		if wrong(r) || unicode.IsTitle(r) {
			return false
		}
		any = any || cased(r)
	}
	return any
}

func isTitle(s string) bool {
	any, inside := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if inside {
				return false
			}
			any, inside = true, true
		case unicode.IsLower(r):
			if !inside {
				return false
			}
			any = true
		default:
			inside = false
		}
	}
	return any
}

// stripper gives the function that says what strip removes of s: white space,
// or the characters given.
func (r *run) stripper(s string, chars any) (func(rune) bool, error) {
	if chars == missing || chars == nil {
		return isSpace, nil
	}
	set, ok := text(chars)
	if !ok {
		return nil, errorf(TypeError, "strip arg must be None or str")
	}
	return func(r rune) bool { return strings.ContainsRune(set, r) }, r.read(len(s) * len(set))
}

// pieces are the parts that a text is split into, of its type.
type pieces struct {
	run   *run
	of    any
	items []any
}

func (p *pieces) add(s string) error {
	p.items = append(p.items, like(p.of, s))
	return p.run.grow(2*itemBytes + len(s))
}

// splitSpace is str.split without a separator; most < 0 is no bound.
func (p *pieces) splitSpace(s string, most int) error {
	s = strings.TrimLeftFunc(s, isSpace)
	for s != "" && len(p.items) != most {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 {
			break
		}
		if err := p.add(s[:i]); err != nil {
			return err
		}
		s = strings.TrimLeftFunc(s[i:], isSpace)
	}
	if s == "" {
		return nil
	}
	return p.add(s)
}

// splitSpaceFromEnd is str.rsplit without a separator.
func (p *pieces) splitSpaceFromEnd(s string, most int) error {
	defer func() { slices.Reverse(p.items) }()
	s = strings.TrimRightFunc(s, isSpace)
	for s != "" && len(p.items) != most {
		i := strings.LastIndexFunc(s, isSpace)
		if i < 0 {
			break
		}
		if err := p.add(s[i+runeLen(s[i:]):]); err != nil {
			return err
		}
		s = strings.TrimRightFunc(s[:i], isSpace)
	}
	if s == "" {
		return nil
	}
	return p.add(s)
}

// splitAt is str.split with a separator.
func (p *pieces) splitAt(s, sep string, most int) error {
	for len(p.items) != most {
		i, err := p.run.index(s, sep)
		if err != nil {
			return err
		}
		if i < 0 {
			break
		}
		if err := p.add(s[:i]); err != nil {
			return err
		}
		s = s[i+len(sep):]
	}
	return p.add(s)
}

// splitAtFromEnd is str.rsplit with a separator.
func (p *pieces) splitAtFromEnd(s, sep string, most int) error {
	defer func() { slices.Reverse(p.items) }()
	for len(p.items) != most {
		i, err := p.run.lastIndex(s, sep)
		if err != nil {
			return err
		}
		if i < 0 {
			break
		}
		if err := p.add(s[i+len(sep):]); err != nil {
			return err
		}
		s = s[:i]
	}
	return p.add(s)
}

func isBreak(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

// eachLine gives the lines that str.splitlines gives.
func eachLine(s string, keep bool, line func(string) error) error {
	for s != "" {
		i := strings.IndexFunc(s, isBreak)
		if i < 0 {
			return line(s)
		}
		n := runeLen(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			n = 2
		}
		end := i
		if keep {
			end += n
		}
		if err := line(s[:end]); err != nil {
			return err
		}
		s = s[i+n:]
	}
	return nil
}

// pad fills s to width characters; align is '<', '>' or '^' (the odd one
// right, as str.format) .
func (r *run) pad(s string, width int, fill rune, align byte) (string, error) {
	n := width - runeCount(s)
	if n <= 0 {
		return s, nil
	}
	if err := r.grow(n*4 + len(s)); err != nil {
		return "", err
	}
	left := 0
	switch align {
	case '>':
		left = n
	case '^':
		left = n / 2
	}
	f := string(fill)
	return strings.Repeat(f, left) + s + strings.Repeat(f, n-left), nil
}
