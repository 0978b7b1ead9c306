package tokenizer

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// wordPiece takes the longest token that a word begins with, then the longest
// that what is left begins with, and so on (google-research/bert,
// tokenization.py, class WordpieceTokenizer). A word that does not work out is
// one unknown token.
type wordPiece struct {
	vocabulary
	unk      int
	prefix   string // of every token but the first of a word
	maxChars int    // longer words are unknown
	longest  int    // bytes of the longest token
}

func newWordPiece(raw json.RawMessage) (*wordPiece, error) {
	var j struct {
		Unk      *string        `json:"unk_token"`
		Prefix   *string        `json:"continuing_subword_prefix"`
		MaxChars *int           `json:"max_input_chars_per_word"`
		Vocab    map[string]int `json:"vocab"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	switch {
	case len(j.Vocab) == 0:
		return nil, fmt.Errorf("model.vocab: is missing or empty")
	case j.Unk == nil:
		return nil, fmt.Errorf("model.unk_token: is missing")
	case j.Prefix == nil:
		return nil, fmt.Errorf("model.continuing_subword_prefix: is missing")
	case j.MaxChars == nil || *j.MaxChars < 0:
		return nil, fmt.Errorf("model.max_input_chars_per_word: is missing or negative")
	}
	m := &wordPiece{vocabulary: j.Vocab, prefix: *j.Prefix, maxChars: *j.MaxChars}
	var err error
	if m.unk, err = m.unknown(j.Unk); err != nil {
		return nil, err
	}
	for s := range j.Vocab {
		m.longest = max(m.longest, len(s))
	}
	return m, nil
}

func (m *wordPiece) encode(w *workspace, ids []int, word string) []int {
	ids, ok := w.cached(ids, word)
	if ok {
		return ids
	}
	from := len(ids)
	ids = m.pieces(w, ids, word)
	w.keep(word, ids[from:])
	return ids
}

func (m *wordPiece) pieces(w *workspace, ids []int, word string) []int {
	from := len(ids)
	if utf8.RuneCountInString(word) > m.maxChars {
		return append(ids, m.unk)
	}
	for at := 0; at < len(word); {
		w.bytes = w.bytes[:0]
		if at > 0 {
			w.bytes = append(w.bytes, m.prefix...)
		}
		head := len(w.bytes)
		w.bytes = append(w.bytes, word[at:min(len(word), at+m.longest)]...)
		for len(w.bytes) > head && at+len(w.bytes)-head < len(word) && !utf8.RuneStart(word[at+len(w.bytes)-head]) {
			w.bytes = w.bytes[:len(w.bytes)-1] // not in the middle of a character
		}
		for {
			if len(w.bytes) == head {
				return append(ids[:from], m.unk)
			}
			if id, ok := m.vocabulary[string(w.bytes)]; ok {
				ids, at = append(ids, id), at+len(w.bytes)-head
				break
			}
			_, n := utf8.DecodeLastRune(w.bytes)
			w.bytes = w.bytes[:len(w.bytes)-n]
		}
	}
	return ids
}
