package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// emit takes a word; first says that it begins the text.
type emit func(word string, first bool)

// preTokenizer cuts a piece of text that is not empty into words and hands them
// on in order; empty ones may be among them. first says that the piece begins the text.
type preTokenizer func(piece string, first bool, emit emit)

const preTokenizers = "Sequence, ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, BertPreTokenizer"

// newPreTokenizer makes the pre-tokeniser of c. With raw, a ByteLevel at its
// end leaves the words as they are, for a model that spells the bytes itself.
func newPreTokenizer(c component, raw bool) (preTokenizer, error) {
	switch c.kind {
	case "Sequence":
		parts, err := c.list("pretokenizers")
		if err != nil {
			return nil, err
		}
		all := preTokenizer(func(piece string, first bool, emit emit) { emit(piece, first) })
		for i, p := range parts {
			next, err := newPreTokenizer(p, raw && i == len(parts)-1)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				all = next
			} else {
				all = chain(all, next)
			}
		}
		return all, nil
	case "ByteLevel":
		return newByteLevel(c, raw)
	case "Split":
		return newSplit(c)
	case "Metaspace":
		return newMetaspace(c)
	case "Digits":
		var o struct {
			Individual bool `json:"individual_digits"`
		}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		behavior := contiguous
		if o.Individual {
			behavior = isolated
		}
		return cutter(eachOf(numeric), behavior, false), nil
	case "Punctuation":
		o := struct{ Behavior behavior }{isolated}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		return cutter(eachOf(punctuation), o.Behavior, false), o.Behavior.check(c)
	case "WhitespaceSplit":
		return cutter(eachOf(space), removed, false), nil
	case "BertPreTokenizer":
		return chain(cutter(eachOf(space), removed, false), cutter(eachOf(punctuation), isolated, false)), nil
	case "Whitespace": // \w+|[^\w\s]+
		return func(piece string, first bool, emit emit) {
			for at := 0; at < len(piece); {
				n := run(piece[at:], word, 0)
				if n == 0 {
					n = run(piece[at:], 0, word|space)
				}
				if n == 0 {
					at += run(piece[at:], space, word)
					continue
				}
				emit(piece[at:at+n], first && at == 0)
				at += n
			}
		}, nil
	}
	return nil, c.unsupported(preTokenizers)
}

// chain feeds every word of a to b.
func chain(a, b preTokenizer) preTokenizer {
	return func(piece string, first bool, emit emit) {
		a(piece, first, func(word string, first bool) {
			if word != "" {
				b(word, first, emit)
			}
		})
	}
}

func eachOf(c class) finder {
	return func(s string, found func(from, to int)) {
		for at := 0; at < len(s); {
			r, n := utf8.DecodeRuneInString(s[at:])
			if is(r, c) {
				found(at, at+n)
			}
			at += n
		}
	}
}

// newByteLevel cuts by GPT-2's pattern and spells the words in the byte
// alphabet (bytelevel.go).
func newByteLevel(c component, raw bool) (preTokenizer, error) {
	var o struct {
		AddPrefixSpace bool  `json:"add_prefix_space"`
		UseRegex       *bool `json:"use_regex"`
	}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	whole := o.UseRegex != nil && !*o.UseRegex
	spell := bytesToAlphabet
	if raw {
		spell = func(s string) string { return s }
	}
	return func(piece string, first bool, emit emit) {
		if o.AddPrefixSpace && !strings.HasPrefix(piece, " ") {
			piece = " " + piece
		}
		if whole {
			emit(spell(piece), first)
			return
		}
		for at := 0; at < len(piece); {
			n := gpt2Word(piece[at:])
			emit(spell(piece[at:at+n]), first && at == 0)
			at += n
		}
	}, nil
}

// endsInByteLevel says whether what c gives is spelled in the byte alphabet.
func endsInByteLevel(c component) bool {
	if c.kind == "Sequence" {
		parts, err := c.list("pretokenizers")
		return err == nil && len(parts) > 0 && endsInByteLevel(parts[len(parts)-1])
	}
	return c.kind == "ByteLevel"
}

// newMetaspace writes spaces as a visible character and cuts before each.
func newMetaspace(c component) (preTokenizer, error) {
	o, err := metaspace(c)
	if err != nil {
		return nil, err
	}
	return func(piece string, first bool, emit emit) {
		s := strings.ReplaceAll(piece, " ", o.Replacement)
		if (o.Scheme == "always" || o.Scheme == "first" && first) && !strings.HasPrefix(s, o.Replacement) {
			s = o.Replacement + s
		}
		if o.Split != nil && !*o.Split {
			emit(s, first)
			return
		}
		for at := 0; at < len(s); {
			n := len(s) - at
			if next := strings.Index(s[at+1:], o.Replacement); next >= 0 {
				n = next + 1
			}
			emit(s[at:at+n], first && at == 0)
			at += n
		}
	}, nil
}

// asksFirst says whether c has a Metaspace with prepend_scheme "first".
func asksFirst(c component) (bool, error) {
	switch c.kind {
	case "Sequence":
		parts, err := c.list("pretokenizers")
		for _, p := range parts {
			if asks, err := asksFirst(p); asks || err != nil {
				return asks, err
			}
		}
		return false, err
	case "Metaspace":
		o, err := metaspace(c)
		return o.Scheme == "first", err
	}
	return false, nil
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
	if utf8.RuneCountInString(o.Replacement) != 1 {
		return o, fmt.Errorf("%s (%s): replacement %q is not one character", c.path, c.kind, o.Replacement)
	}
	unprefixed := o.AddPrefix != nil && !*o.AddPrefix
	switch o.Scheme {
	case "":
		o.Scheme = "always"
		if unprefixed {
			o.Scheme = "never"
		}
	case "always", "first":
		if unprefixed {
			return o, fmt.Errorf("%s (%s): add_prefix_space false contradicts prepend_scheme %q", c.path, c.kind, o.Scheme)
		}
	case "never":
	default:
		return o, fmt.Errorf("%s (%s): prepend_scheme %q is not one of always, first, never", c.path, c.kind, o.Scheme)
	}
	return o, nil
}
