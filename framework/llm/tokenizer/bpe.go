package tokenizer

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// bpe is the merge model of tokenizer.json's "model".
type bpe struct {
	vocab        map[string]int
	merges       map[[2]int]merge
	unk          int // -1: none; characters outside the vocabulary are dropped
	fuseUnk      bool
	byteFallback bool
	ignoreMerges bool
	bytes        [256]int // ids of <0x00>..<0xFF>, -1 where absent

	mu    sync.Mutex
	cache map[string][]int // word to ids, bounded by maxCache
}

type merge struct{ rank, id int }

const (
	maxCache     = 1 << 16 // words
	maxCacheWord = 64      // bytes
)

type bpeJSON struct {
	Type         string            `json:"type"`
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
	if j.Type != "BPE" && j.Type != "" { // old GPT-2 files leave the type out
		return nil, fmt.Errorf("model: type %q is not supported; only BPE is", j.Type)
	}
	if j.Dropout != nil && *j.Dropout != 0 {
		return nil, fmt.Errorf("model.dropout: %g is not supported; set it to null", *j.Dropout)
	}
	for _, o := range []struct {
		name  string
		value *string
	}{{"continuing_subword_prefix", j.Prefix}, {"end_of_word_suffix", j.Suffix}} {
		if o.value != nil && *o.value != "" {
			return nil, fmt.Errorf("model.%s: %q is not supported; only an empty one is", o.name, *o.value)
		}
	}
	if len(j.Vocab) == 0 {
		return nil, fmt.Errorf("model.vocab: is missing or empty")
	}
	m := &bpe{vocab: j.Vocab, merges: make(map[[2]int]merge, len(j.Merges)), unk: -1,
		fuseUnk: j.FuseUnk, byteFallback: j.ByteFallback, ignoreMerges: j.IgnoreMerges, cache: map[string][]int{}}
	if j.Unk != nil {
		id, ok := m.vocab[*j.Unk]
		if !ok {
			return nil, fmt.Errorf("model.unk_token: %q is not in the vocabulary", *j.Unk)
		}
		m.unk = id
	}
	for b := range m.bytes {
		id, ok := m.vocab[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = -1
		}
		m.bytes[b] = id
	}
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
	var ids [3]int
	for i, s := range []string{pair[0], pair[1], pair[0] + pair[1]} {
		id, ok := m.vocab[s]
		if !ok {
			return fmt.Errorf("token %q is not in the vocabulary", s)
		}
		ids[i] = id
	}
	m.merges[[2]int{ids[0], ids[1]}] = merge{rank: rank, id: ids[2]}
	return nil
}

// encode appends the ids of one word to ids.
func (m *bpe) encode(ids []int, word string) []int {
	if word == "" {
		return ids
	}
	if m.ignoreMerges {
		if id, ok := m.vocab[word]; ok {
			return append(ids, id)
		}
	}
	if len(word) > maxCacheWord {
		return append(ids, m.merge(m.characters(word))...)
	}
	m.mu.Lock()
	known, ok := m.cache[word]
	m.mu.Unlock()
	if !ok {
		known = m.merge(m.characters(word))
		m.mu.Lock()
		if len(m.cache) < maxCache {
			m.cache[strings.Clone(word)] = known
		}
		m.mu.Unlock()
	}
	return append(ids, known...)
}

// characters gives the ids of a word's characters before any merge.
func (m *bpe) characters(word string) []int {
	out := make([]int, 0, len(word))
	unknown := false // an unknown character waits, to be fused with the next
	flush := func() {
		if unknown {
			out, unknown = append(out, m.unk), false
		}
	}
	for i, r := range word {
		n := utf8.RuneLen(r)
		if n < 0 {
			n = 1
		}
		s := word[i : i+n]
		if id, ok := m.vocab[s]; ok {
			flush()
			out = append(out, id)
			continue
		}
		if m.byteFallback {
			if ids, ok := m.spell(s); ok {
				out = append(out, ids...)
				continue
			}
		}
		if m.unk >= 0 {
			if !m.fuseUnk {
				flush()
			}
			unknown = true
		}
	}
	flush()
	return out
}

// spell gives the byte tokens of s; false if one is not in the vocabulary.
func (m *bpe) spell(s string) ([]int, bool) {
	ids := make([]int, len(s))
	for i := range len(s) {
		if ids[i] = m.bytes[s[i]]; ids[i] < 0 {
			return nil, false
		}
	}
	return ids, true
}

// merge applies the merges in order of rank, leftmost first, in O(n log n).
func (m *bpe) merge(ids []int) []int {
	if len(ids) < 2 {
		return ids
	}
	next, prev := make([]int, len(ids)), make([]int, len(ids))
	for i := range ids {
		next[i], prev[i] = i+1, i-1
	}
	next[len(ids)-1] = -1
	var q candidates
	push := func(i int) {
		if i < 0 || next[i] < 0 {
			return
		}
		if g, ok := m.merges[[2]int{ids[i], ids[next[i]]}]; ok {
			heap.Push(&q, candidate{rank: g.rank, at: i, left: ids[i], right: ids[next[i]], id: g.id})
		}
	}
	for i := range ids {
		push(i)
	}
	const gone = -1
	for q.Len() > 0 {
		c := heap.Pop(&q).(candidate)
		if ids[c.at] != c.left || next[c.at] < 0 || ids[next[c.at]] != c.right {
			continue // overtaken by an earlier merge
		}
		r := next[c.at]
		ids[c.at], ids[r] = c.id, gone
		next[c.at] = next[r]
		if next[r] >= 0 {
			prev[next[r]] = c.at
		}
		push(prev[c.at])
		push(c.at)
	}
	out := ids[:0]
	for _, id := range ids {
		if id != gone {
			out = append(out, id)
		}
	}
	return out
}

type candidate struct{ rank, at, left, right, id int }

type candidates []candidate

func (q candidates) Len() int { return len(q) }
func (q candidates) Less(i, j int) bool {
	return q[i].rank < q[j].rank || q[i].rank == q[j].rank && q[i].at < q[j].at
}
func (q candidates) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *candidates) Push(v any)   { *q = append(*q, v.(candidate)) }
func (q *candidates) Pop() any {
	old := *q
	v := old[len(old)-1]
	*q = old[:len(old)-1]
	return v
}
