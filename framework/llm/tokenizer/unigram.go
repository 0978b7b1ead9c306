package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram takes the cut of a word with the largest sum of scores (Kudo 2018,
// section 3.2), found by Viterbi's algorithm as in SentencePiece
// (unigram_model.cc, EncodeOptimized).
type unigram struct {
	vocabulary
	scores       []float64 // by id
	trie         *trie
	unk          int
	unkScore     float64 // of a character outside the vocabulary
	byteFallback bool
	bytes        [256]int
}

// unkPenalty is how much lower than the lowest token's an unknown character's
// score is.
const unkPenalty = 10

func newUnigram(raw json.RawMessage) (*unigram, error) {
	var j struct {
		Unk          *int              `json:"unk_id"`
		ByteFallback bool              `json:"byte_fallback"`
		Vocab        []json.RawMessage `json:"vocab"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if len(j.Vocab) == 0 {
		return nil, fmt.Errorf("model.vocab: is missing or empty")
	}
	if j.Unk == nil || *j.Unk < 0 || *j.Unk >= len(j.Vocab) {
		return nil, fmt.Errorf("model.unk_id: must be the place of the unknown token in model.vocab, from 0 to %d", len(j.Vocab)-1)
	}
	m := &unigram{vocabulary: make(vocabulary, len(j.Vocab)), scores: make([]float64, len(j.Vocab)),
		unk: *j.Unk, byteFallback: j.ByteFallback}
	lowest := math.Inf(1)
	entries := make([]entry, len(j.Vocab))
	for id, raw := range j.Vocab {
		var token *string
		var score *float64
		pair := []any{&token, &score}
		if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 || token == nil || score == nil {
			return nil, fmt.Errorf("model.vocab[%d]: expected a token and its score, got %.60s", id, raw)
		}
		m.vocabulary[*token], m.scores[id] = id, *score
		entries[id] = entry{*token, int32(id)}
		lowest = min(lowest, *score)
	}
	m.unkScore = lowest - unkPenalty
	m.trie = newTrie(entries)
	m.bytes = byteTokens(m.id)
	return m, nil
}

// bestNode is the best cut that ends at a place of the word.
type bestNode struct {
	score float64
	from  int32 // where its last token begins, -1: there is no cut yet
	id    int32
}

func (m *unigram) encode(w *workspace, ids []int, word string) []int {
	ids, ok := w.cached(ids, word)
	if ok {
		return ids
	}
	from := len(ids)
	m.search(w, word)
	ids = m.trace(w, ids, word)
	w.keep(word, ids[from:])
	return ids
}

// search fills w.best; of equal scores the cut found first stays.
func (m *unigram) search(w *workspace, word string) {
	w.best = w.best[:0]
	for range len(word) + 1 {
		w.best = append(w.best, bestNode{from: -1})
	}
	for at := 0; at < len(word); {
		here := w.best[at].score
		_, first := utf8.DecodeRuneInString(word[at:])
		single := false // a token stands for the character at at
		offer := func(to int, score float64, id int32) {
			if b := &w.best[to]; b.from < 0 || score > b.score {
				*b = bestNode{score: score, from: int32(at), id: id}
			}
		}
		node := int32(0)
		for i := at; i < len(word); i++ {
			if node = m.trie.next(node, word[i]); node == 0 {
				break
			}
			if id := m.trie.nodes[node].value; id >= 0 {
				offer(i+1, m.scores[id]+here, id)
				single = single || i+1-at == first
			}
		}
		if !single {
			offer(at+first, m.unkScore+here, int32(m.unk))
		}
		at += first
	}
}

// trace appends the ids of the best cut, neighbouring unknown tokens as one.
func (m *unigram) trace(w *workspace, ids []int, word string) []int {
	b := &w.bpe
	b.symbols = b.symbols[:0] // where tokens end, the last first
	for to := len(word); to > 0; {
		n := w.best[to]
		b.add(to)
		for to = int(n.from); n.id == int32(m.unk) && to > 0 && w.best[to].id == int32(m.unk); {
			to = int(w.best[to].from)
		}
	}
	from := 0
	for i := len(b.symbols) - 1; i >= 0; i-- {
		to := int(b.symbols[i])
		ids = m.token(ids, word[from:to])
		from = to
	}
	return ids
}

// token appends the id of a token, or the byte tokens or unknown token for
// what is none.
func (m *unigram) token(ids []int, s string) []int {
	if id, ok := m.vocabulary[s]; ok {
		return append(ids, id)
	}
	from := len(ids)
	for i := 0; m.byteFallback && i < len(s) && m.bytes[s[i]] >= 0; i++ {
		ids = append(ids, m.bytes[s[i]])
	}
	if len(ids)-from == len(s) {
		return ids
	}
	return append(ids[:from], m.unk)
}
