package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites a piece of text before it is cut.
type normalizer func(string) string

const normalizers = "Sequence, Prepend, Replace (of a String), Lowercase, NFC, NFD, NFKC, NFKD"

func newNormalizer(c component) (normalizer, error) {
	switch c.kind {
	case "Sequence":
		parts, err := c.list("normalizers")
		if err != nil {
			return nil, err
		}
		var all []normalizer
		for _, p := range parts {
			n, err := newNormalizer(p)
			if err != nil {
				return nil, err
			}
			all = append(all, n)
		}
		return func(s string) string {
			for _, n := range all {
				s = n(s)
			}
			return s
		}, nil
	case "Prepend":
		var o struct {
			Prepend string `json:"prepend"`
		}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		return func(s string) string {
			if s == "" {
				return s
			}
			return o.Prepend + s
		}, nil
	case "Replace":
		from, to, err := replacement(c)
		if err != nil {
			return nil, err
		}
		return func(s string) string { return strings.ReplaceAll(s, from, to) }, nil
	case "Lowercase":
		return strings.ToLower, nil
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC":
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	}
	return nil, c.unsupported(normalizers)
}

// replacement reads the options of a Replace normaliser or decoder.
func replacement(c component) (from, to string, err error) {
	var o struct {
		Pattern literal `json:"pattern"`
		Content string  `json:"content"`
	}
	if err := c.options(&o); err != nil {
		return "", "", err
	}
	from, err = c.literal(o.Pattern)
	return from, o.Content, err
}
