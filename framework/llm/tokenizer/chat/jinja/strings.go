package jinja

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// upper and lower are Python's, with the mappings to several characters and
// the final sigma. A Caser has state, so each call makes its own.
func upper(s string) string { return cases.Upper(language.Und).String(s) }

func lower(s string) string {
	return cases.Lower(language.Und, cases.HandleFinalSigma(true)).String(s)
}

// titleRune is a character's title case.
func titleRune(r rune) string {
	return cases.Title(language.Und, cases.NoLower).String(string(r))
}

func capitalize(s string) string {
	if s == "" {
		return ""
	}
	n := runeLen(s)
	r := []rune(s[:n])[0]
	return titleRune(r) + lower(s[n:])
}

// titled is str.title: each letter after a character without case is upper.
func titled(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range s {
		if inside {
			b.WriteString(lower(string(r)))
		} else {
			b.WriteString(titleRune(r))
		}
		inside = cased(r)
	}
	return b.String()
}

func swapcase(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lower(string(r)))
		case unicode.IsLower(r):
			b.WriteString(upper(string(r)))
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

// stripper gives the function that says what strip removes: white space, or
// the characters given.
func stripper(chars any) (func(rune) bool, error) {
	if chars == missing || chars == nil {
		return isSpace, nil
	}
	set, ok := text(chars)
	if !ok {
		return nil, errorf(TypeError, "strip arg must be None or str")
	}
	return func(r rune) bool { return strings.ContainsRune(set, r) }, nil
}

// splitSpace is str.split without a separator.
func splitSpace(s string, most int, fromEnd bool) []string {
	var out []string
	if fromEnd {
		s = strings.TrimRightFunc(s, isSpace)
		for s != "" && len(out) != most {
			i := strings.LastIndexFunc(s, isSpace)
			if i < 0 {
				break
			}
			n := runeLen(s[i:])
			out = append(out, s[i+n:])
			s = strings.TrimRightFunc(s[:i], isSpace)
		}
		if s != "" {
			out = append(out, s)
		}
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
		return out
	}
	s = strings.TrimLeftFunc(s, isSpace)
	for s != "" && len(out) != most {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 {
			break
		}
		out = append(out, s[:i])
		s = strings.TrimLeftFunc(s[i:], isSpace)
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

// splitAt is str.split or rsplit with a separator; most < 0 is no bound.
func splitAt(s, sep string, most int, fromEnd bool) []string {
	if !fromEnd {
		if most < 0 {
			return strings.Split(s, sep)
		}
		return strings.SplitN(s, sep, most+1)
	}
	var out []string
	for len(out) != most {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			break
		}
		out = append(out, s[i+len(sep):])
		s = s[:i]
	}
	out = append(out, s)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

func isBreak(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

// splitLines is str.splitlines.
func splitLines(s string, keep bool) []string {
	var out []string
	for s != "" {
		i := strings.IndexFunc(s, isBreak)
		if i < 0 {
			return append(out, s)
		}
		n := runeLen(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			n = 2
		}
		end := i
		if keep {
			end += n
		}
		out, s = append(out, s[:end]), s[i+n:]
	}
	return out
}

// replace is str.replace; most < 0 replaces all.
func (r *run) replace(s, old, with string, most int) (string, error) {
	n := strings.Count(s, old)
	if most >= 0 {
		n = min(n, most)
	}
	if err := r.grow(len(s) + n*max(0, len(with)-len(old))); err != nil {
		return "", err
	}
	return strings.Replace(s, old, with, n), nil
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
