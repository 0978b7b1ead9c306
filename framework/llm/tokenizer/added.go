package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is an entry of tokenizer.json's added_tokens: a token matched
// whole in the text before anything else.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// matcher finds added tokens in a text, leftmost first and the longest of
// those that begin at one place (tokenizers, added_vocabulary.rs).
type matcher struct {
	byFirst [256][]pattern // by first byte of the pattern, longest first
	any     bool
}

type pattern struct {
	text  string
	token addedToken
}

func (m *matcher) add(text string, t addedToken) {
	if text == "" {
		return
	}
	m.any = true
	list := append(m.byFirst[text[0]], pattern{text, t})
	for i := len(list) - 1; i > 0 && len(list[i].text) > len(list[i-1].text); i-- {
		list[i], list[i-1] = list[i-1], list[i]
	}
	m.byFirst[text[0]] = list
}

// span is a part of a text: an added token (id >= 0) or plain text (id -1).
type span struct {
	text string
	id   int
}

// split cuts s into added tokens and the text between them.
func (m *matcher) split(s string) []span {
	if !m.any {
		return []span{{s, -1}}
	}
	var out []span
	from := 0 // end of the last token taken
	for at := 0; at < len(s); {
		p, ok := m.at(s, at)
		if !ok {
			at++
			continue
		}
		start, end := at, at+len(p.text)
		at = end
		if p.token.SingleWord && (endsWithWord(s[:start]) || startsWithWord(s[end:])) {
			continue
		}
		if p.token.LStrip {
			start = max(len(strings.TrimRightFunc(s[:start], unicode.IsSpace)), from)
		}
		if p.token.RStrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace))
		}
		if start > from {
			out = append(out, span{s[from:start], -1})
		}
		out = append(out, span{s[start:end], p.token.ID})
		from, at = end, max(end, at)
	}
	if from < len(s) {
		out = append(out, span{s[from:], -1})
	}
	return out
}

func (m *matcher) at(s string, i int) (pattern, bool) {
	for _, p := range m.byFirst[s[i]] {
		if strings.HasPrefix(s[i:], p.text) {
			return p, true
		}
	}
	return pattern{}, false
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && wordRune(r)
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && wordRune(r)
}

// wordRune is the regular expression class \w of Unicode (UTS 18, annex C).
func wordRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}

// checkAdded refuses entries that contradict each other or the vocabulary.
func checkAdded(tokens []addedToken, vocab map[string]int) error {
	byID := map[int]string{}
	for i, t := range tokens {
		if t.Content == "" {
			return fmt.Errorf("added_tokens[%d]: content is empty", i)
		}
		if t.ID < 0 {
			return fmt.Errorf("added_tokens[%d] (%q): id %d is negative", i, t.Content, t.ID)
		}
		if other, ok := byID[t.ID]; ok {
			return fmt.Errorf("added_tokens[%d] (%q): id %d is also that of %q", i, t.Content, t.ID, other)
		}
		byID[t.ID] = t.Content
		if id, ok := vocab[t.Content]; ok && id != t.ID {
			return fmt.Errorf("added_tokens[%d] (%q): id %d, but the vocabulary says %d", i, t.Content, t.ID, id)
		}
	}
	return nil
}
