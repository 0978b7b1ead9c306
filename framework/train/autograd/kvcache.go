package autograd

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
)

// KVCache holds the keys and values of all layers for a number of slots, one
// sequence each: K[layer] and V[layer] are [slots*maxLen, kvHeads*headDim].
//
// A decoding step computes each layer with [Tape.AttentionCached], which
// appends the new keys and values after the slot's length, and then calls
// [KVCache.Advance] once.
//
// Keys and values that stand before every sequence and stay there (of learned
// positions) have places of their own, [KVCache.Reserve]: attention sees them,
// lengths do not count them.
type KVCache struct {
	K, V                            []*compute.Tensor
	Slots, MaxLen, KVHeads, HeadDim int

	e      compute.Engine
	lens   []int
	prefix int  // reserved positions at the start of each slot
	filled bool // SetPrefix was called
}

// NewKVCache allocates an empty cache. Where there is no memory for all of it, it
// takes none and panics with a *compute.MemoryError.
func NewKVCache(e compute.Engine, layers, slots, maxLen, kvHeads, headDim int) *KVCache {
	c := &KVCache{Slots: slots, MaxLen: maxLen, KVHeads: kvHeads, HeadDim: headDim, e: e, lens: make([]int, slots)}
	whole := false
	defer func() {
		if !whole {
			c.Free()
		}
	}()
	for i := 0; i < layers; i++ {
		c.K = append(c.K, compute.NewTensor(e, compute.F32, slots*maxLen, kvHeads*headDim))
		c.V = append(c.V, compute.NewTensor(e, compute.F32, slots*maxLen, kvHeads*headDim))
	}
	whole = true
	return c
}

// Reserve takes the first n of MaxLen positions of every slot for SetPrefix. The
// cache must be empty.
func (c *KVCache) Reserve(n int) { c.prefix, c.MaxLen = n, c.MaxLen-n }

// HasPrefix says whether the reserved positions are filled.
func (c *KVCache) HasPrefix() bool { return c.filled }

// SetPrefix fills the reserved positions of every slot: ks[layer] and vs[layer]
// are [reserved, KVHeads*HeadDim].
func (c *KVCache) SetPrefix(ks, vs []*Var) {
	width := c.KVHeads * c.HeadDim
	for l := range c.K {
		ks[l].tape.must(ks[l].Len() == c.prefix*width && vs[l].Len() == c.prefix*width, "KVCache.SetPrefix", fmt.Sprintf("needs k and v [%d,%d]", c.prefix, width), ks[l], vs[l])
		for s := range c.Slots {
			ints := []int64{int64(c.prefix * width), 0, int64(s * c.stride() * width), 0}
			for _, b := range [2][2]compute.Buffer{{ks[l].buf, c.K[l].Buf}, {vs[l].buf, c.V[l].Buf}} {
				if err := compute.Call(c.e, compute.Copy, b[:], ints, nil); err != nil {
					panic(err)
				}
			}
		}
	}
	c.filled = true
}

// stride is the number of positions from one slot to the next, first is where
// a slot's own tokens begin.
func (c *KVCache) stride() int        { return c.prefix + c.MaxLen }
func (c *KVCache) first(slot int) int { return slot*c.stride() + c.prefix }

// Len is the number of tokens in a slot.
func (c *KVCache) Len(slot int) int { return c.lens[slot] }

// Advance adds newLens[i] to the length of slots[i], after all layers of a step.
func (c *KVCache) Advance(slots, newLens []int) {
	for i, s := range slots {
		c.lens[s] += newLens[i]
	}
}

// Truncate forgets the tokens of a slot from length n on; n = 0 empties it.
func (c *KVCache) Truncate(slot, n int) {
	if n < 0 || n > c.lens[slot] {
		panic(&IndexError{Op: "KVCache.Truncate", At: slot, Value: n, Limit: c.lens[slot] + 1})
	}
	c.lens[slot] = n
}

// CopySlot makes dst a copy of src, as for several samples of one prompt.
func (c *KVCache) CopySlot(dst, src int) {
	width := c.KVHeads * c.HeadDim
	ints := []int64{int64(c.lens[src] * width), int64(c.first(src) * width), int64(c.first(dst) * width), 0}
	for l := range c.K {
		for _, b := range []compute.Buffer{c.K[l].Buf, c.V[l].Buf} {
			if err := compute.Call(c.e, compute.Copy, bufs{b, b}, ints, nil); err != nil {
				panic(err)
			}
		}
	}
	c.lens[dst] = c.lens[src]
}

// Free gives the memory back.
func (c *KVCache) Free() {
	for _, x := range append(c.K, c.V...) {
		c.e.Free(x.Buf)
	}
	c.K, c.V = nil, nil
}

// CachedSpec describes one decoding step.
type CachedSpec struct {
	Heads   int     // query heads
	Slots   []int   // the slot of each sequence, each at most once
	NewLens []int   // new tokens of each sequence; nil means one each
	Scale   float32 // 0 means 1/sqrt(head width)
	Left    int     // keys that a token sees up to its own, that one counted; 0: all
	SoftCap float32 // as in AttnSpec; 0: none
}

// AttentionCached appends k and v [N, KVHeads*HeadDim] to a layer's cache and
// attends causally from q [N, Heads*HeadDim] over everything in each slot. The
// rows are the new tokens, packed in the order of s.Slots; a new token's
// position is c.Len(slot) and up. No gradient.
func (t *Tape) AttentionCached(q, k, v *Var, c *KVCache, layer int, s CachedSpec) *Var {
	q.live("AttentionCached")
	n, width := q.rows(), c.KVHeads*c.HeadDim
	t.must(!t.record(q, k, v), "AttentionCached", "has no gradient; use a tape with training = false", q)
	t.must(q.cols() == s.Heads*c.HeadDim && s.Heads%c.KVHeads == 0 && k.cols() == width && sameShape(k.shape, v.shape) && k.rows() == n,
		"AttentionCached", fmt.Sprintf("needs q [N,%d], k and v [N,%d]", s.Heads*c.HeadDim, width), q, k, v)
	t.must(s.NewLens == nil || len(s.NewLens) == len(s.Slots), "AttentionCached", "needs a length for each slot", q)
	var seg, rows []int32
	var pairs int64
	for i, slot := range s.Slots {
		if slot < 0 || slot >= c.Slots {
			panic(&IndexError{Op: "AttentionCached", At: i, Value: slot, Limit: c.Slots})
		}
		m := 1
		if s.NewLens != nil {
			m = s.NewLens[i]
		}
		have := c.lens[slot]
		if m < 1 || have+m > c.MaxLen {
			panic(&IndexError{Op: "AttentionCached: cache positions", At: i, Value: have + m - 1, Limit: c.MaxLen})
		}
		seg = append(seg, int32(len(rows)), int32(m), int32(slot*c.stride()), int32(c.prefix+have+m))
		for j := 0; j < m; j++ {
			rows = append(rows, int32(c.first(slot)+have+j))
		}
		pairs += AttnSpec{Causal: true, Left: s.Left}.pairs(m, c.prefix+have+m)
	}
	t.must(len(rows) == n, "AttentionCached", fmt.Sprintf("the new lengths add up to %d, not to the rows of q", len(rows)), q)
	total := int64(c.Slots * c.stride())
	rb, sb := t.ints(rows), t.ints(seg)
	t.run(compute.PutRows, bufs{k.buf, rb, c.K[layer].Buf}, []int64{int64(n), int64(width), total}, nil)
	t.run(compute.PutRows, bufs{v.buf, rb, c.V[layer].Buf}, []int64{int64(n), int64(width), total}, nil)
	scale := AttnSpec{HeadDim: c.HeadDim, Scale: s.Scale}.defaults().Scale
	o := t.alloc(q.shape)
	t.run(compute.Attention, bufs{q.buf, c.K[layer].Buf, c.V[layer].Buf, sb, o.buf, nil},
		[]int64{int64(n), int64(s.Heads), int64(c.KVHeads), int64(c.HeadDim), int64(len(s.Slots)), 1, pairs, total, int64(s.Left)},
		[]float64{float64(scale), float64(s.SoftCap)})
	return o
}
