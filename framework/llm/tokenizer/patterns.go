package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// patterns are the regular expressions that cut a text for byte-level BPE, each
// with a scanner that gives the length of the match at the beginning of a text
// that is not empty. They match everywhere, so the matches joined are the text.
var patterns = map[string]func(string) int{
	gpt2Pattern: gpt2Word,
	`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: gpt2Word, // the same words, as tiktoken writes it
	llama3Pattern: func(s string) int { return chatWord(s, letter, 3) },
	qwen2Pattern:  func(s string) int { return chatWord(s, letter, 1) },
	qwen35Pattern: func(s string) int { return chatWord(s, letter|mark, 1) },
	o200kPattern:  func(s string) int { return caseWord(s, 3, true) },
	tekkenPattern: func(s string) int { return caseWord(s, 1, false) },
}

const (
	// gpt2Pattern: openai/gpt-2, encoder.py.
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	// llama3Pattern: Llama 3, OLMo 2, SmolLM3; that of tiktoken's cl100k_base.
	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	// qwen2Pattern: Qwen 2, 2.5 and 3.
	qwen2Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	// qwen35Pattern: Qwen 3.5, which keeps combining marks with their letters.
	qwen35Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// splitGPT2 cuts s by GPT-2's pattern.
func splitGPT2(s string, emit func(string)) {
	for len(s) > 0 {
		n := gpt2Word(s)
		emit(s[:n])
		s = s[n:]
	}
}

func gpt2Word(s string) int {
	if n := contraction(s); n > 0 {
		return n
	}
	at := 0
	if s[0] == ' ' && len(s) > 1 {
		at = 1
	}
	r, _ := utf8.DecodeRuneInString(s[at:])
	switch c := classOf(r); {
	case c&letter != 0:
		return at + run(s[at:], letter, 0)
	case c&number != 0:
		return at + run(s[at:], number, 0)
	case c&space == 0:
		return at + run(s[at:], 0, letter|number|space)
	}
	return blank(s, run(s, space, 0))
}

// chatWord is the next match of llama3Pattern and its relatives: letters are
// what a word consists of, digits how many of them stand together.
func chatWord(s string, letters class, digits int) int {
	if n := foldedContraction(s); n > 0 {
		return n
	}
	r, first := utf8.DecodeRuneInString(s)
	c := classOf(r)
	if c&letters != 0 {
		return run(s, letters, 0)
	}
	if c&number == 0 && r != '\r' && r != '\n' {
		if n := run(s[first:], letters, 0); n > 0 {
			return first + n
		}
	}
	return beyondWords(s, digits, letters|letter|number, "\r\n")
}

// blank is \s+(?!\S)|\s+ for a text that begins with n bytes of white space: all
// of it at the end of the text, else all but the last character, which the next
// word may take, if there is more than one.
func blank(s string, n int) int {
	if n < len(s) {
		if _, last := utf8.DecodeLastRuneInString(s[:n]); last < n {
			return n - last
		}
	}
	return n
}

// contraction is the length of 's, 't, 're, 've, 'm, 'll or 'd at the beginning.
func contraction(s string) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	switch s[1] {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(s) > 2 {
		switch s[1:3] {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}

// foldedContraction is contraction without regard to case; s has a third form,
// the long ſ (Unicode's CaseFolding.txt).
func foldedContraction(s string) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	if strings.HasPrefix(s[1:], "ſ") {
		return 1 + len("ſ")
	}
	low := [3]byte{'\''}
	for i := 1; i < min(len(s), 3); i++ {
		if low[i] = s[i]; 'A' <= s[i] && s[i] <= 'Z' {
			low[i] += 'a' - 'A'
		}
	}
	return contraction(string(low[:min(len(s), 3)]))
}
