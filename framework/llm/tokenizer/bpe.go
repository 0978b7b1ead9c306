package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte pair encoding (Sennrich et al. 2016, section 3.2): a word's
// characters, of which neighbours are merged in the order of the file.
type bpe struct {
	vocabulary
	pairs        *pairTable
	unk          int // -1: none; characters outside the vocabulary are dropped
	fuseUnk      bool
	byteFallback bool
	ignoreMerges bool   // a word of the vocabulary is taken as it is
	prefix       string // of every character but the first of a word
	suffix       string // of the last
	bytes        [256]int

	raw      bool     // words come as bytes, to be spelled in the byte alphabet
	alphabet [256]int // ids of the byte alphabet, -1 where absent
}

type bpeJSON struct {
	Dropout      *float64          `json:"dropout"`
	Unk          *string           `json:"unk_token"`
	Prefix       *string           `json:"continuing_subword_prefix"`
	Suffix       *string           `json:"end_of_word_suffix"`
	FuseUnk      bool              `json:"fuse_unk"`
	ByteFallback bool              `json:"byte_fallback"`
	IgnoreMerges bool              `json:"ignore_merges"`
	Vocab        map[string]int    `json:"vocab"`
	Merges       []json.RawMessage `json:"merges"`
}

func newBPE(raw json.RawMessage) (*bpe, error) {
	var j bpeJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if j.Dropout != nil && *j.Dropout != 0 {
		return nil, fmt.Errorf("model.dropout: %g is not supported; set it to null", *j.Dropout)
	}
	if len(j.Vocab) == 0 {
		return nil, fmt.Errorf("model.vocab: is missing or empty")
	}
	m := &bpe{vocabulary: j.Vocab, fuseUnk: j.FuseUnk, byteFallback: j.ByteFallback, ignoreMerges: j.IgnoreMerges}
	if j.Prefix != nil {
		m.prefix = *j.Prefix
	}
	if j.Suffix != nil {
		m.suffix = *j.Suffix
	}
	var err error
	if m.unk, err = m.unknown(j.Unk); err != nil {
		return nil, err
	}
	m.bytes = byteTokens(m.id)
	for b, r := range byteToRune {
		id, ok := m.id(string(r))
		if !ok {
			id = -1
		}
		m.alphabet[b] = id
	}
	m.pairs = newPairTable(len(j.Merges))
	for rank, raw := range j.Merges {
		if err := m.addMerge(rank, raw); err != nil {
			return nil, fmt.Errorf("model.merges[%d]: %w", rank, err)
		}
	}
	return m, nil
}

// addMerge reads "a b" or ["a","b"].
func (m *bpe) addMerge(rank int, raw json.RawMessage) error {
	var pair []string
	if err := json.Unmarshal(raw, &pair); err != nil {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("expected two tokens, got %.60s", raw)
		}
		pair = strings.Split(s, " ")
	}
	if len(pair) != 2 {
		return fmt.Errorf("expected two tokens, got %d in %.60s", len(pair), raw)
	}
	if len(pair[1]) < len(m.prefix) {
		return fmt.Errorf("token %q is shorter than model.continuing_subword_prefix", pair[1])
	}
	var ids [3]int
	for i, s := range []string{pair[0], pair[1], pair[0] + pair[1][len(m.prefix):]} {
		id, ok := m.id(s)
		if !ok {
			return fmt.Errorf("token %q is not in the vocabulary", s)
		}
		if id < 0 || id >= maxID {
			return fmt.Errorf("token %q: id %d is out of range", s, id)
		}
		ids[i] = id
	}
	m.pairs.set(ids[0], ids[1], merge{rank: int32(rank), id: int32(ids[2])})
	return nil
}

// takesBytes says whether words may be given to the model as raw bytes.
func (m *bpe) takesBytes() bool { return m.prefix == "" && m.suffix == "" && !m.byteFallback }

func (m *bpe) encode(w *workspace, ids []int, word string) []int {
	ids, ok := w.cached(ids, word)
	if ok {
		return ids
	}
	from := len(ids)
	if id, ok := m.whole(w, word); ok {
		ids = append(ids, id)
	} else {
		w.bpe.symbols = w.bpe.symbols[:0]
		if m.raw {
			m.spellRaw(&w.bpe, word)
		} else {
			m.spell(&w.bpe, word)
		}
		for _, id := range w.bpe.merge(m.pairs) {
			ids = append(ids, int(id))
		}
	}
	w.keep(word, ids[from:])
	return ids
}

// whole looks the word up under ignore_merges.
func (m *bpe) whole(w *workspace, word string) (int, bool) {
	if !m.ignoreMerges {
		return 0, false
	}
	if !m.raw {
		return m.id(word)
	}
	w.bytes = w.bytes[:0]
	for i := range len(word) {
		w.bytes = utf8.AppendRune(w.bytes, byteToRune[word[i]])
	}
	id, ok := m.vocabulary[string(w.bytes)]
	return id, ok
}

// spellRaw gives the ids of a word's bytes.
func (m *bpe) spellRaw(b *bpeSpace, word string) {
	unknown := false // an unknown character waits, to be fused with the next
	for i := range len(word) {
		id := m.alphabet[word[i]]
		if id >= 0 {
			if unknown {
				b.add(m.unk)
				unknown = false
			}
			b.add(id)
			continue
		}
		if unknown && !m.fuseUnk {
			b.add(m.unk)
		}
		unknown = m.unk >= 0
	}
	if unknown {
		b.add(m.unk)
	}
}

// spell gives the ids of a word's characters.
func (m *bpe) spell(b *bpeSpace, word string) {
	unknown := false
	for i := 0; i < len(word); {
		_, n := utf8.DecodeRuneInString(word[i:])
		s := word[i : i+n]
		if i > 0 && m.prefix != "" {
			s = m.prefix + s
		}
		if i += n; i == len(word) && m.suffix != "" {
			s += m.suffix
		}
		if id, ok := m.vocabulary[s]; ok {
			if unknown {
				b.add(m.unk)
				unknown = false
			}
			b.add(id)
			continue
		}
		if m.byteFallback && m.spellBytes(b, s) {
			continue // an unknown character goes on waiting, as in the tokenizers library
		}
		if unknown && !m.fuseUnk {
			b.add(m.unk)
		}
		unknown = m.unk >= 0
	}
	if unknown {
		b.add(m.unk)
	}
}

// spellBytes gives the byte tokens of s; false if the vocabulary lacks one.
func (m *bpe) spellBytes(b *bpeSpace, s string) bool {
	for i := range len(s) {
		if m.bytes[s[i]] < 0 {
			return false
		}
	}
	for i := range len(s) {
		b.add(m.bytes[s[i]])
	}
	return true
}
