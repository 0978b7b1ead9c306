package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// preTokenizer cuts a piece of text into words and hands them on in order.
// first says that the piece begins the text.
type preTokenizer func(piece string, first bool, emit func(string))

const preTokenizers = "Sequence, ByteLevel, Digits, Metaspace"

func newPreTokenizer(c component) (preTokenizer, error) {
	switch c.kind {
	case "Sequence":
		parts, err := c.list("pretokenizers")
		if err != nil {
			return nil, err
		}
		var all []preTokenizer
		for _, p := range parts {
			t, err := newPreTokenizer(p)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
		return func(piece string, first bool, emit func(string)) { chain(all, piece, first, emit) }, nil
	case "ByteLevel":
		o := struct {
			AddPrefixSpace bool  `json:"add_prefix_space"`
			UseRegex       *bool `json:"use_regex"`
		}{}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		return func(piece string, _ bool, emit func(string)) {
			if o.AddPrefixSpace && !strings.HasPrefix(piece, " ") {
				piece = " " + piece
			}
			if o.UseRegex != nil && !*o.UseRegex {
				emit(bytesToAlphabet(piece))
				return
			}
			splitGPT2(piece, func(w string) { emit(bytesToAlphabet(w)) })
		}, nil
	case "Digits":
		var o struct {
			Individual bool `json:"individual_digits"`
		}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		return func(piece string, _ bool, emit func(string)) { splitDigits(piece, o.Individual, emit) }, nil
	case "Metaspace":
		return newMetaspace(c)
	}
	return nil, c.unsupported(preTokenizers)
}

// chain feeds every word of one pre-tokeniser to the next.
func chain(all []preTokenizer, piece string, first bool, emit func(string)) {
	if len(all) == 0 {
		emit(piece)
		return
	}
	n := 0
	all[0](piece, first, func(w string) {
		chain(all[1:], w, first && n == 0, emit)
		n++
	})
}

// splitDigits cuts numbers (Unicode category N) from the rest, each digit for
// itself if individual.
func splitDigits(s string, individual bool, emit func(string)) {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		digit := unicode.IsNumber(r)
		if !digit || !individual {
			for n < len(s) {
				r, size := utf8.DecodeRuneInString(s[n:])
				if unicode.IsNumber(r) != digit {
					break
				}
				n += size
			}
		}
		emit(s[:n])
		s = s[n:]
	}
}

// newMetaspace writes spaces as a visible character and cuts before each.
func newMetaspace(c component) (preTokenizer, error) {
	o, err := metaspace(c)
	if err != nil {
		return nil, err
	}
	return func(piece string, first bool, emit func(string)) {
		s := strings.ReplaceAll(piece, " ", o.Replacement)
		if (o.Scheme == "always" || o.Scheme == "first" && first) && !strings.HasPrefix(s, o.Replacement) {
			s = o.Replacement + s
		}
		if o.Split != nil && !*o.Split {
			emit(s)
			return
		}
		for s != "" {
			next := strings.Index(s[1:], o.Replacement) + 1
			if next == 0 {
				next = len(s)
			}
			emit(s[:next])
			s = s[next:]
		}
	}, nil
}

type metaspaceOptions struct {
	Replacement string `json:"replacement"`
	Scheme      string `json:"prepend_scheme"`
	Split       *bool  `json:"split"`
	AddPrefix   *bool  `json:"add_prefix_space"` // before tokenizers 0.15
}

func metaspace(c component) (metaspaceOptions, error) {
	o := metaspaceOptions{Replacement: "▁"}
	if err := c.options(&o); err != nil {
		return o, err
	}
	if o.Scheme == "" {
		o.Scheme = "always"
		if o.AddPrefix != nil && !*o.AddPrefix {
			o.Scheme = "never"
		}
	}
	return o, nil
}
