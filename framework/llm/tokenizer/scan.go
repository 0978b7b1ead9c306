package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitGPT2 cuts s as GPT-2's pattern does (openai/gpt-2, encoder.py):
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// The parts joined are s.
func splitGPT2(s string, emit func(string)) {
	for len(s) > 0 {
		n := gpt2Word(s)
		emit(s[:n])
		s = s[n:]
	}
}

func gpt2Word(s string) int {
	if s[0] == '\'' {
		for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
			if strings.HasPrefix(s, c) {
				return len(c)
			}
		}
	}
	at := 0
	if s[0] == ' ' && len(s) > 1 {
		at = 1
	}
	r, _ := utf8.DecodeRuneInString(s[at:])
	if class := classOf(r); class != space {
		return at + run(s[at:], class)
	}
	// White space: all of it at the end of the text, else all but the last,
	// which the next word may take.
	n := run(s, space)
	if n < len(s) {
		if _, last := utf8.DecodeLastRuneInString(s[:n]); last < n {
			return n - last
		}
	}
	return n
}

type runeClass uint8

const (
	other runeClass = iota
	letter
	number
	space
)

func classOf(r rune) runeClass {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// run is the length in bytes of the longest prefix of s of one class.
func run(s string, class runeClass) int {
	for i, r := range s {
		if classOf(r) != class {
			return i
		}
	}
	return len(s)
}
