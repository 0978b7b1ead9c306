package tokenizer

import "math"

// merge is what a pair of ids becomes, and when: the lowest rank first.
type merge struct{ rank, id int32 }

// pairTable finds the merge of a pair: open addressing with linear probing, at
// most half full.
type pairTable struct {
	keys   []uint64 // left<<32 | right + 1, 0: empty
	values []merge
	shift  uint // of the hash, to its highest bits
}

func newPairTable(n int) *pairTable {
	size, bits := 1, uint(0)
	for size < 2*n+2 {
		size, bits = 2*size, bits+1
	}
	return &pairTable{keys: make([]uint64, size), values: make([]merge, size), shift: 64 - bits}
}

func pairKey(left, right int32) uint64 { return uint64(left)<<32 | uint64(right) + 1 }

// slot is the place of key, or the empty one where it would go. The factor is
// 2^64 over the golden ratio (Knuth, volume 3, section 6.4).
func (t *pairTable) slot(key uint64) int {
	i := int(key * 0x9e3779b97f4a7c15 >> t.shift)
	for t.keys[i] != 0 && t.keys[i] != key {
		i = (i + 1) & (len(t.keys) - 1)
	}
	return i
}

// set gives a pair its merge; a pair given twice keeps the last.
func (t *pairTable) set(left, right int, m merge) {
	key := pairKey(int32(left), int32(right))
	i := t.slot(key)
	t.keys[i], t.values[i] = key, m
}

// none is the rank of a pair that is not merged.
const none = math.MaxInt32

func (t *pairTable) get(left, right int32) merge {
	i := t.slot(pairKey(left, right))
	if t.keys[i] == 0 {
		return merge{rank: none}
	}
	return t.values[i]
}

// bpeSpace is the word at work.
type bpeSpace struct {
	symbols    []int32
	merges     []merge // of symbols i and i+1
	next, prev []int32
	queue      mergeQueue
}

func (b *bpeSpace) add(id int) { b.symbols = append(b.symbols, int32(id)) }

// shortWord is how many symbols are merged faster by looking at all of them
// for the next merge than with a queue.
const shortWord = 48

// merge merges the symbols and gives what is left: the lowest rank first, of
// equal ones the leftmost.
func (b *bpeSpace) merge(pairs *pairTable) []int32 {
	if len(b.symbols) > shortWord {
		return b.mergeQueued(pairs)
	}
	s, m := b.symbols, b.merges[:0]
	for i := 1; i < len(s); i++ {
		m = append(m, pairs.get(s[i-1], s[i]))
	}
	b.merges = m
	for {
		at, rank := -1, int32(none)
		for i := range m {
			if m[i].rank < rank {
				at, rank = i, m[i].rank
			}
		}
		if at < 0 {
			return s
		}
		s[at] = m[at].id
		s = append(s[:at+1], s[at+2:]...)
		m = append(m[:at], m[at+1:]...)
		if at > 0 {
			m[at-1] = pairs.get(s[at-1], s[at])
		}
		if at < len(m) {
			m[at] = pairs.get(s[at], s[at+1])
		}
	}
}

// gone is a symbol merged into the one before it.
const gone = -1

// mergeQueued is merge in O(n log n).
func (b *bpeSpace) mergeQueued(pairs *pairTable) []int32 {
	s := b.symbols
	b.next, b.prev, b.queue = b.next[:0], b.prev[:0], b.queue[:0]
	for i := range s {
		b.next, b.prev = append(b.next, int32(i+1)), append(b.prev, int32(i-1))
	}
	b.next[len(s)-1] = gone
	push := func(i int32) {
		if i < 0 || b.next[i] < 0 {
			return
		}
		left, right := s[i], s[b.next[i]]
		if m := pairs.get(left, right); m.rank != none {
			b.queue.push(queued{order: uint64(m.rank)<<32 | uint64(i), left: left, right: right, id: m.id})
		}
	}
	for i := range s {
		push(int32(i))
	}
	for len(b.queue) > 0 {
		q := b.queue.pop()
		at := int32(q.order)
		right := b.next[at]
		if s[at] != q.left || right < 0 || s[right] != q.right {
			continue // overtaken by an earlier merge
		}
		s[at], s[right] = q.id, gone
		b.next[at] = b.next[right]
		if after := b.next[right]; after >= 0 {
			b.prev[after] = at
		}
		push(b.prev[at])
		push(at)
	}
	out := s[:0]
	for _, id := range s {
		if id != gone {
			out = append(out, id)
		}
	}
	return out
}

// queued is a merge that may be done: its rank and place, and the symbols it was
// found for.
type queued struct {
	order           uint64
	left, right, id int32
}

// mergeQueue is a binary heap, the least order first.
type mergeQueue []queued

func (q *mergeQueue) push(e queued) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 && h[(i-1)/2].order > e.order {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = e
	*q = h
}

func (q *mergeQueue) pop() queued {
	h := *q
	top, e := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		kid := 2*i + 1
		if kid+1 < len(h) && h[kid+1].order < h[kid].order {
			kid++
		}
		if kid >= len(h) || h[kid].order >= e.order {
			h[i] = e
			break
		}
		h[i] = h[kid]
		i = kid
	}
	*q = h
	return top
}
