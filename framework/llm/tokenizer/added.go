package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// addedToken is an entry of tokenizer.json's added_tokens: a token matched
// whole in the text before anything else.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only where no word goes on beside it
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`      // takes the white space after it
	Normalized bool   `json:"normalized"`  // matched in the normalised text
	Special    bool   `json:"special"`
}

// matcher finds added tokens in a text, leftmost first and the longest of
// those that begin at one place (tokenizers, added_vocabulary.rs).
type matcher struct {
	trie   *trie // values are places in tokens
	tokens []addedToken
}

func newMatcher(texts []string, tokens []addedToken) matcher {
	if len(tokens) == 0 {
		return matcher{}
	}
	entries := make([]entry, len(texts))
	for i, s := range texts {
		entries[i] = entry{s, int32(i)}
	}
	return matcher{newTrie(entries), tokens}
}

// span is a part of a text: an added token (id >= 0) or plain text (id -1).
type span struct {
	from, to int
	id       int
}

// split cuts s into added tokens and the text between them, which it appends
// to out.
func (m *matcher) split(out []span, s string) []span {
	from := 0 // end of the last token taken
	for at := 0; m.trie != nil && at < len(s); {
		if m.trie.root[s[at]] == 0 {
			at++
			continue
		}
		n, i := m.trie.longest(s[at:])
		if n == 0 {
			at++
			continue
		}
		t := &m.tokens[i]
		start, end := at, at+n
		at = end
		if t.SingleWord && (endsWithWord(s[:start]) || startsWithWord(s[end:])) {
			continue
		}
		if t.LStrip {
			start = max(len(strings.TrimRightFunc(s[:start], isSpace)), from)
		}
		if t.RStrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], isSpace))
		}
		if start > from {
			out = append(out, span{from, start, -1})
		}
		out = append(out, span{start, end, t.ID})
		from = end
	}
	if from < len(s) {
		out = append(out, span{from, len(s), -1})
	}
	return out
}

func isSpace(r rune) bool { return is(r, space) }

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && is(r, word)
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && is(r, word)
}

// checkAdded refuses entries that contradict each other or the vocabulary. The
// tokenizers library would give those outside the vocabulary the ids that
// follow it, whatever the file says.
func (t *Tokenizer) checkAdded(tokens []addedToken) error {
	vocab := t.model.tokens()
	byID := map[int]string{}
	for i, a := range tokens {
		if a.Content == "" {
			return fmt.Errorf("added_tokens[%d]: content is empty", i)
		}
		if a.ID < 0 {
			return fmt.Errorf("added_tokens[%d] (%q): id %d is negative", i, a.Content, a.ID)
		}
		other, ok := byID[a.ID]
		if name := t.Token(a.ID); !ok && name != a.Content {
			other, ok = name, name != ""
		}
		if id, known := vocab[a.Content]; known && id != a.ID {
			return fmt.Errorf("added_tokens[%d] (%q): id %d, but the vocabulary says %d", i, a.Content, a.ID, id)
		}
		if ok {
			return fmt.Errorf("added_tokens[%d] (%q): id %d is also that of %q", i, a.Content, a.ID, other)
		}
		byID[a.ID] = a.Content
	}
	next := len(vocab)
	for i, a := range tokens {
		if _, ok := vocab[a.Content]; ok {
			continue
		}
		if a.ID != next {
			return fmt.Errorf("added_tokens[%d] (%q): id %d, but the next after the vocabulary and the tokens before is %d", i, a.Content, a.ID, next)
		}
		next++
	}
	return nil
}
