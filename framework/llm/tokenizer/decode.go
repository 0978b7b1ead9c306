package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder rewrites a list of tokens; the result joined is the text.
type decoder func([]string) []string

const decoders = "Sequence, ByteLevel, Replace (of a String), ByteFallback, Fuse, Strip, Metaspace"

func newDecoder(c component) (decoder, error) {
	switch c.kind {
	case "Sequence":
		parts, err := c.list("decoders")
		if err != nil {
			return nil, err
		}
		var all []decoder
		for _, p := range parts {
			d, err := newDecoder(p)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		return func(t []string) []string {
			for _, d := range all {
				t = d(t)
			}
			return t
		}, nil
	case "ByteLevel":
		return decodeByteLevel, nil
	case "ByteFallback":
		return decodeByteFallback, nil
	case "Fuse":
		return func(t []string) []string { return []string{strings.Join(t, "")} }, nil
	case "Replace":
		from, to, err := replacement(c)
		if err != nil {
			return nil, err
		}
		return each(func(_ int, s string) string { return strings.ReplaceAll(s, from, to) }), nil
	case "Strip":
		var o struct {
			Content string `json:"content"`
			Start   int    `json:"start"`
			Stop    int    `json:"stop"`
		}
		if err := c.options(&o); err != nil {
			return nil, err
		}
		return each(func(_ int, s string) string {
			for i := 0; i < o.Start && o.Content != "" && strings.HasPrefix(s, o.Content); i++ {
				s = s[len(o.Content):]
			}
			for i := 0; i < o.Stop && o.Content != "" && strings.HasSuffix(s, o.Content); i++ {
				s = s[:len(s)-len(o.Content)]
			}
			return s
		}), nil
	case "Metaspace":
		o, err := metaspace(c)
		if err != nil {
			return nil, err
		}
		return each(func(i int, s string) string {
			if i == 0 && o.Scheme != "never" {
				s = strings.TrimPrefix(s, o.Replacement)
			}
			return strings.ReplaceAll(s, o.Replacement, " ")
		}), nil
	}
	return nil, c.unsupported(decoders)
}

func each(f func(i int, s string) string) decoder {
	return func(t []string) []string {
		out := make([]string, len(t))
		for i, s := range t {
			out[i] = f(i, s)
		}
		return out
	}
}

// decodeByteLevel maps the byte alphabet back; a token with other characters
// (an added token) stands for its own bytes.
func decodeByteLevel(tokens []string) []string {
	var all []byte
	for _, t := range tokens {
		if b, ok := alphabetToBytes(t); ok {
			all = append(all, b...)
		} else {
			all = append(all, t...)
		}
	}
	return []string{lossyUTF8(all)}
}

// decodeByteFallback joins runs of <0xNN> tokens; a run that is not valid
// UTF-8 gives one U+FFFD per byte (tokenizers, decoders/byte_fallback.rs).
func decodeByteFallback(tokens []string) []string {
	var out []string
	var run []byte
	flush := func() {
		if len(run) == 0 {
			return
		}
		if utf8.Valid(run) {
			out = append(out, string(run))
		} else {
			out = append(out, strings.Repeat("\ufffd", len(run)))
		}
		run = run[:0]
	}
	for _, t := range tokens {
		if b, ok := byteToken(t); ok {
			run = append(run, b)
			continue
		}
		flush()
		out = append(out, t)
	}
	flush()
	return out
}

func byteToken(t string) (byte, bool) {
	if len(t) != 6 || !strings.HasPrefix(t, "<0x") || t[5] != '>' {
		return 0, false
	}
	v, err := strconv.ParseUint(t[3:5], 16, 8)
	return byte(v), err == nil
}
