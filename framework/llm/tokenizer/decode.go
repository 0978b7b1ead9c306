package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder rewrites a list of tokens; the result joined is the text.
type decoder func([]string) []string

const decoders = "Sequence, ByteLevel, WordPiece, BPEDecoder, Metaspace, Replace, ByteFallback, Fuse, Strip"

// newDecoder also gives how many times longer than the tokens a text can be.
func newDecoder(c component) (d decoder, growth float64, err error) {
	switch c.kind {
	case "Sequence":
		return newDecoders(c)
	case "ByteLevel":
		return decodeByteLevel, 3, nil // U+FFFD for a byte
	case "ByteFallback":
		return decodeByteFallback, 1, nil
	case "Fuse":
		return func(t []string) []string { return []string{strings.Join(t, "")} }, 1, nil
	case "Replace":
		content, find, growth, err := replacement(c)
		return each(func(_ int, s string) string { return replaceAll(s, find, content) }), growth, err
	case "Strip":
		var o struct {
			Content string `json:"content"`
			Start   int    `json:"start"`
			Stop    int    `json:"stop"`
		}
		if err := c.options(&o); err != nil {
			return nil, 0, err
		}
		return each(func(_ int, s string) string {
			for i := 0; i < o.Start && o.Content != "" && strings.HasPrefix(s, o.Content); i++ {
				s = s[len(o.Content):]
			}
			for i := 0; i < o.Stop && o.Content != "" && strings.HasSuffix(s, o.Content); i++ {
				s = s[:len(s)-len(o.Content)]
			}
			return s
		}), 1, nil
	case "Metaspace":
		o, err := metaspace(c)
		return each(func(i int, s string) string {
			space := " "
			if i == 0 && o.Scheme != "never" {
				space = "" // of the whole first token, as the tokenizers library does
			}
			return strings.ReplaceAll(s, o.Replacement, space)
		}), 1, err
	case "WordPiece":
		o := struct {
			Prefix  string
			Cleanup bool
		}{}
		if err := c.options(&o); err != nil {
			return nil, 0, err
		}
		return each(func(i int, s string) string {
			if rest, ok := strings.CutPrefix(s, o.Prefix); i > 0 && ok {
				s = rest
			} else if i > 0 {
				s = " " + s
			}
			if o.Cleanup {
				s = cleanUp(s, true)
			}
			return s
		}), 2, nil
	case "BPEDecoder":
		var o struct{ Suffix string }
		if err := c.options(&o); err != nil {
			return nil, 0, err
		}
		return func(t []string) []string {
			out := make([]string, len(t))
			for i, s := range t {
				space := " "
				if i == len(t)-1 {
					space = ""
				}
				out[i] = strings.ReplaceAll(s, o.Suffix, space)
			}
			return out
		}, 3, nil // a space around every character where the suffix is empty
	}
	return nil, 0, c.unsupported(decoders)
}

func newDecoders(c component) (decoder, float64, error) {
	parts, err := c.list("decoders")
	if err != nil {
		return nil, 0, err
	}
	var all []decoder
	growth := 1.0
	for _, p := range parts {
		d, g, err := newDecoder(p)
		if err != nil {
			return nil, 0, err
		}
		all, growth = append(all, d), growth*g
	}
	return func(t []string) []string {
		for _, d := range all {
			t = d(t)
		}
		return t
	}, growth, c.checkGrowth(growth)
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

// cleanUp takes away the spaces that cutting English text put before
// punctuation and contractions: of each token with the decoder's cleanup, of
// the whole text with tokenizer_config.json's clean_up_tokenization_spaces,
// which leaves "do not" alone (transformers, clean_up_tokenization).
func cleanUp(s string, decoder bool) string {
	if !strings.Contains(s, " ") {
		return s
	}
	for _, r := range [...][2]string{{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
		{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}} {
		if decoder || r[0] != " do not" {
			s = strings.ReplaceAll(s, r[0], r[1])
		}
	}
	return s
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
			for range run {
				out = append(out, "\ufffd")
			}
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
