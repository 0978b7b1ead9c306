package tokenizer

import (
	"strings"
	"unicode/utf8"
)

const (
	// o200kPattern: tiktoken's o200k_base; GPT-4o, gpt-oss, Llama 4.
	o200kPattern = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	// tekkenPattern: Mistral's Tekken; Mistral Nemo, Small 3, Ministral.
	tekkenPattern = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|` +
		`\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// caseWord is the next match of o200kPattern and tekkenPattern, which cut before
// a capital letter that follows a small one: digits is how many stand together,
// contractions whether a word takes the 's behind it.
func caseWord(s string, digits int, contractions bool) int {
	r, first := utf8.DecodeRuneInString(s)
	n := 0
	if c := classOf(r); c&(letter|number) == 0 && r != '\r' && r != '\n' {
		// What stands before the letters goes with them if it can.
		if n = endsSmall(s[first:]); n > 0 {
			n += first
		} else if n = endsSmall(s); n == 0 {
			if n = run(s[first:], letter|mark, small); n > 0 {
				n += first
			}
		}
	} else if c&letter != 0 {
		if n = endsSmall(s); n == 0 {
			n = run(s, letter, small)
		}
	}
	switch {
	case n == 0:
		return beyondWords(s, digits, letter|number, "\r\n/")
	case contractions:
		n += foldedContraction(s[n:])
	}
	return n
}

// endsSmall is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ at the
// beginning of s. The first set gives back what it has to.
func endsSmall(s string) int {
	n := run(s, letter|mark, small)
	if more := run(s[n:], letter|mark, capital); more > 0 {
		return n + more
	}
	for n > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:n])
		if !is(r, capital) {
			break
		}
		n -= size
	}
	return n
}

// beyondWords is \p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// with the classes others in place of \p{L}\p{N} and the characters breaks in
// place of \r\n, for a text that begins with none of the words before these.
func beyondWords(s string, digits int, others class, breaks string) int {
	n := 0
	for ; digits > 0 && n < len(s); digits-- {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !is(r, number) {
			break
		}
		n += size
	}
	if n > 0 {
		return n
	}
	at := 0
	if s[0] == ' ' {
		at = 1
	}
	if n := run(s[at:], 0, others|space); n > 0 {
		n += at
		for n < len(s) && strings.IndexByte(breaks, s[n]) >= 0 {
			n++
		}
		return n
	}
	blanks := run(s, space, 0)
	if n := strings.LastIndexAny(s[:blanks], "\r\n") + 1; n > 0 {
		return n
	}
	return blank(s, blanks)
}
