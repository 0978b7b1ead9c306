package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalForm is a normal form (UAX 15) of Unicode 9, which the tokenizers
// library knows: characters that are newer are neither decomposed, reordered nor
// composed. They lie between the parts that are normalised.
func normalForm(form norm.Form) func(string) string {
	return func(s string) string {
		if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
			return s
		}
		var b strings.Builder
		for s != "" {
			n := run(s, 0, inert)
			b.WriteString(normalize(form, s[:n]))
			s = s[n:]
			n = run(s, inert, 0)
			b.WriteString(s[:n])
			s = s[n:]
		}
		return b.String()
	}
}

// joiner is what x/text puts after 30 combining marks in a row (UAX 15, section
// 13), which the other library does not.
const joiner = "\u034f"

func normalize(form norm.Form, s string) string {
	out := form.String(s)
	if strings.Count(out, joiner) == strings.Count(s, joiner) {
		return out
	}
	return normalizeLong(form, s)
}

// normalizeLong follows the definition (Unicode 15, section 3.11) with any
// number of marks on a character.
func normalizeLong(form norm.Form, s string) string {
	var rs []rune
	for _, r := range s {
		if form == norm.NFC || form == norm.NFD {
			rs = append(rs, []rune(norm.NFD.String(string(r)))...)
		} else {
			rs = append(rs, []rune(norm.NFKD.String(string(r)))...)
		}
	}
	for i := 0; i < len(rs); {
		j := i
		for j < len(rs) && order(rs[j]) > 0 {
			j++
		}
		slices.SortStableFunc(rs[i:j], func(a, b rune) int { return order(a) - order(b) })
		i = j + 1
	}
	if form == norm.NFC || form == norm.NFKC {
		rs = compose(rs)
	}
	return string(rs)
}

// order is the canonical combining class.
func order(r rune) int { return int(norm.NFD.PropertiesString(string(r)).CCC()) }

// compose joins marks with the last character before them that has order 0,
// where nothing of the same or a higher order lies between.
func compose(rs []rune) []rune {
	out := rs[:0]
	starter, last := -1, 0 // the place in out, and the order of what follows it
	for _, r := range rs {
		o := order(r)
		if starter >= 0 && (last < o || last == 0 && starter == len(out)-1) {
			if both := []rune(norm.NFC.String(string([]rune{out[starter], r}))); len(both) == 1 && !is(both[0], inert) {
				out[starter] = both[0]
				continue
			}
		}
		if o == 0 {
			starter = len(out)
		}
		last = o
		out = append(out, r)
	}
	return out
}
