package tokenizer

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites a piece of text before it is cut.
type normalizer struct {
	apply  func(string) string
	growth float64 // the most that a text can grow, in times its length
	// lead says how many bytes of apply(s) stand for the beginning of the
	// original text if the first lead bytes of s do; 0: none is left of them.
	// Metaspace's prepend_scheme "first" asks for it. nil: ownLead.
	lead func(s string, lead int) int
}

func (n normalizer) leads(s string, lead int) int {
	if n.lead != nil {
		return n.lead(s, lead)
	}
	return n.ownLead(s, lead)
}

// ownLead is what apply makes of the bytes by themselves, or where it makes
// something else of them in the text, the first character.
func (n normalizer) ownLead(s string, lead int) int {
	out, alone := n.apply(s), n.apply(s[:lead])
	if strings.HasPrefix(out, alone) {
		return len(alone)
	}
	_, size := utf8.DecodeRuneInString(out)
	return size
}

const normalizers = "Sequence, Prepend, Replace, Strip, StripAccents, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, BertNormalizer, Precompiled, ByteLevel"

func newNormalizer(c component) (normalizer, error) {
	switch c.kind {
	case "Sequence":
		return newNormalizers(c)
	case "Prepend":
		var o struct{ Prepend string }
		if err := c.options(&o); err != nil {
			return normalizer{}, err
		}
		return normalizer{apply: func(s string) string {
			if s == "" {
				return s
			}
			return o.Prepend + s
		}, growth: float64(1 + len(o.Prepend))}, nil
	case "Replace":
		return newReplace(c)
	case "Strip":
		var o struct {
			Left  bool `json:"strip_left"`
			Right bool `json:"strip_right"`
		}
		if err := c.options(&o); err != nil {
			return normalizer{}, err
		}
		strip := func(s string) string {
			if o.Left {
				s = s[run(s, space, 0):]
			}
			if o.Right {
				s = strings.TrimRightFunc(s, isSpace)
			}
			return s
		}
		return normalizer{apply: strip, growth: 1, lead: func(s string, lead int) int {
			if o.Left {
				lead -= min(lead, run(s, space, 0))
			}
			return min(lead, len(strip(s)))
		}}, nil
	case "StripAccents":
		return normalizer{apply: func(s string) string { return strings.Map(dropping(combining), s) }, growth: 1}, nil
	case "Lowercase":
		return normalizer{apply: lower, growth: 1.5}, nil
	case "NFC":
		return normalizer{apply: normalForm(norm.NFC), growth: 3}, nil
	case "NFD":
		return normalizer{apply: normalForm(norm.NFD), growth: 3}, nil
	case "NFKC", "NFKD":
		form := norm.NFKC
		if c.kind == "NFKD" {
			form = norm.NFKD
		}
		return normalizer{apply: normalForm(form), growth: 11}, nil // U+FDFA
	case "Nmt":
		return normalizer{apply: func(s string) string { return strings.Map(nmt, s) }, growth: 1}, nil
	case "BertNormalizer":
		return newBertNormalizer(c)
	case "Precompiled":
		var o struct {
			Map string `json:"precompiled_charsmap"`
		}
		if err := c.options(&o); err != nil {
			return normalizer{}, err
		}
		raw, err := base64.StdEncoding.DecodeString(o.Map)
		if err != nil {
			return normalizer{}, fmt.Errorf("%s.precompiled_charsmap: %w", c.path, err)
		}
		m, err := newCharsmap(raw)
		if err != nil {
			return normalizer{}, fmt.Errorf("%s.precompiled_charsmap: %w", c.path, err)
		}
		n := normalizer{apply: m.apply, growth: m.growth}
		n.lead = func(s string, lead int) int {
			if own := n.ownLead(s, lead); own > 0 || lead == 0 {
				return own
			}
			// The tokenizers library counts what follows a beginning that is
			// replaced by nothing as standing where that was.
			_, size := utf8.DecodeRuneInString(m.apply(s))
			return size
		}
		return n, nil
	case "ByteLevel":
		return normalizer{apply: bytesToAlphabet, growth: 2}, nil
	}
	return normalizer{}, c.unsupported(normalizers)
}

func newNormalizers(c component) (normalizer, error) {
	parts, err := c.list("normalizers")
	if err != nil {
		return normalizer{}, err
	}
	var all []normalizer
	growth := 1.0
	for _, p := range parts {
		n, err := newNormalizer(p)
		if err != nil {
			return normalizer{}, err
		}
		all, growth = append(all, n), growth*max(1, n.growth)
	}
	return normalizer{growth: growth, apply: func(s string) string {
		for _, n := range all {
			s = n.apply(s)
		}
		return s
	}, lead: func(s string, lead int) int {
		for _, n := range all {
			s, lead = n.apply(s), n.leads(s, lead)
		}
		return lead
	}}, c.checkGrowth(growth)
}

// newReplace reads a Replace. What replaces several characters stands for the
// last of them.
func newReplace(c component) (normalizer, error) {
	content, find, growth, err := replacement(c)
	if err != nil {
		return normalizer{}, err
	}
	return normalizer{growth: growth, apply: func(s string) string { return replaceAll(s, find, content) },
		lead: func(s string, lead int) int {
			next, out := 0, 0
			find(s, func(from, to int) {
				if next < lead {
					out += min(from, lead) - next
				}
				_, last := utf8.DecodeLastRuneInString(s[from:to])
				if to-last < lead {
					out += len(content)
				}
				next = to
			})
			return out + max(0, lead-next)
		}}, nil
}

// replacement reads a Replace normaliser or decoder.
func replacement(c component) (content string, find finder, growth float64, err error) {
	var o struct{ Content string }
	if err := c.options(&o); err != nil {
		return "", nil, 0, err
	}
	find, shortest, err := c.pattern()
	if err != nil {
		return "", nil, 0, err
	}
	growth = max(1, float64(len(o.Content))/float64(shortest))
	return o.Content, find, growth, c.checkGrowth(growth)
}

func replaceAll(s string, find finder, content string) string {
	var b strings.Builder
	next := 0
	find(s, func(from, to int) {
		b.WriteString(s[next:from])
		b.WriteString(content)
		next = to
	})
	if next == 0 {
		return s
	}
	b.WriteString(s[next:])
	return b.String()
}

func dropping(c class) func(rune) rune {
	return func(r rune) rune {
		if is(r, c) {
			return -1
		}
		return r
	}
}

// nmt is the clean-up of Google's neural machine translation, SentencePiece's
// nmt_nfkc without the nfkc (tokenizers, normalizers/unicode.rs).
func nmt(r rune) rune {
	switch {
	case r >= 1 && r <= 8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
		return -1
	case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200b && r <= 0x200f,
		r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
		return ' '
	}
	return r
}
