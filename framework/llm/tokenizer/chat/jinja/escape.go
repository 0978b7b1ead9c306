package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape gives the value of a string literal's inside. Jinja writes
// characters beyond ASCII as escapes first and then decodes all of them
// (Python's unicode-escape), so a backslash before such a character stays, and
// the character becomes the text of its escape.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		i++
		if i == len(s) {
			return "", errorf(Syntax, `\ at end of string`)
		}
		c := s[i]
		i++
		switch {
		case strings.IndexByte(`\'"`, c) >= 0:
			b.WriteByte(c)
		case strings.IndexByte("abfnrtv", c) >= 0:
			b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case c == '\n':
		case c >= '0' && c <= '7':
			end := i
			for end < len(s) && end < i+2 && s[end] >= '0' && s[end] <= '7' {
				end++
			}
			v, _ := strconv.ParseUint(s[i-1:end], 8, 32)
			b.WriteRune(rune(v))
			i = end
		case c == 'x' || c == 'u' || c == 'U':
			n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if i+n > len(s) {
				return "", errorf(Syntax, `truncated \%c escape`, c)
			}
			v, err := strconv.ParseUint(s[i:i+n], 16, 32)
			if err != nil || v > utf8.MaxRune {
				return "", errorf(Syntax, `illegal \%c%s escape`, c, s[i:i+n])
			}
			b.WriteRune(rune(v)) // half of a surrogate pair becomes U+FFFD
			i += n
		case c == 'N':
			return "", errorf(Unsupported, `\N{...} in a string; write the character itself`)
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i-1:])
			b.WriteString(asciiEscape(r))
			i += n - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// asciiEscape is Python's escape of a character: \xhh, \uhhhh or \Uhhhhhhhh.
func asciiEscape(r rune) string {
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
