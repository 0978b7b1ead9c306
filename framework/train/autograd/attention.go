package autograd

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

// AttnSpec describes attention over packed sequences.
type AttnSpec struct {
	Heads   int     // query heads
	KVHeads int     // key and value heads; 0 means Heads. Query head h reads head h / (Heads/KVHeads)
	HeadDim int     // channels per head
	SeqLens []int   // tokens of each sequence; their sum is N
	KVLens  []int   // keys of each sequence, its own tokens' last; nil means SeqLens
	Scale   float32 // factor of q·k; 0 means 1/sqrt(HeadDim)
	Causal  bool    // a token sees itself and those before it, else its whole sequence
}

// Attention is softmax(scale q k^T) v within each sequence: q
// [N, Heads*HeadDim], k and v [M, KVHeads*HeadDim]; the result has q's shape. M
// is N, or the sum of KVLens where keys stand before a sequence's own tokens
// (a learned prefix): causal, a token sees all of those. The backward pass computes the probabilities again, so that memory stays
// linear in N.
func (t *Tape) Attention(q, k, v *Var, s AttnSpec) *Var {
	s = s.defaults()
	q.live("Attention")
	n := q.rows()
	t.must(s.HeadDim > 0 && s.KVHeads > 0 && s.Heads%s.KVHeads == 0, "Attention",
		fmt.Sprintf("needs Heads a multiple of KVHeads, got %d and %d, HeadDim %d", s.Heads, s.KVHeads, s.HeadDim), q, k, v)
	t.must(q.cols() == s.Heads*s.HeadDim && k.cols() == s.KVHeads*s.HeadDim && sameShape(k.shape, v.shape), "Attention",
		fmt.Sprintf("needs q [N,%d], k and v [M,%d]", s.Heads*s.HeadDim, s.KVHeads*s.HeadDim), q, k, v)
	t.must(s.KVLens == nil || len(s.KVLens) == len(s.SeqLens), "Attention", "needs a number of keys for each sequence", q)
	seg, at, keys, pairs, causal := make([]int32, 0, 4*len(s.SeqLens)), 0, 0, int64(0), int64(0)
	if s.Causal {
		causal = 1
	}
	for i, l := range s.SeqLens {
		m := l
		if s.KVLens != nil {
			m = s.KVLens[i]
		}
		t.must(l > 0 && m >= l, "Attention", fmt.Sprintf("sequence %d has %d tokens and %d keys, needs at least 1 and as many keys", i, l, m), q)
		seg = append(seg, int32(at), int32(l), int32(keys), int32(m))
		at, keys = at+l, keys+m
		pairs += int64(l)*int64(m) - causal*int64(l)*int64(l-1)/2
	}
	t.must(at == n, "Attention", fmt.Sprintf("the lengths add up to %d, not to the rows of q", at), q)
	t.must(keys == k.rows(), "Attention", fmt.Sprintf("the lengths add up to %d keys, not to the rows of k", keys), k)
	ints := []int64{int64(n), int64(s.Heads), int64(s.KVHeads), int64(s.HeadDim), int64(len(s.SeqLens)), causal, pairs, int64(keys)}
	scale := []float64{float64(s.Scale)}
	sb, o, lse := t.ints(seg), t.alloc(q.shape), t.temp(compute.F32, n*s.Heads)
	t.run(compute.Attention, bufs{q.buf, k.buf, v.buf, sb, o.buf, lse}, ints, scale)
	return t.node(o, func() {
		dq, dk, dv := t.dstOrTemp(q), t.dstOrTemp(k), t.dstOrTemp(v)
		t.run(compute.AttentionGrad, bufs{q.buf, k.buf, v.buf, sb, o.buf, lse, o.grad, dq, dk, dv}, ints, scale)
	}, q, k, v)
}

func (s AttnSpec) defaults() AttnSpec {
	if s.KVHeads == 0 {
		s.KVHeads = s.Heads
	}
	if s.Scale == 0 {
		s.Scale = float32(1 / math.Sqrt(float64(s.HeadDim)))
	}
	return s
}

// dstOrTemp is v's gradient buffer, or memory to throw away if nobody needs it.
func (t *Tape) dstOrTemp(v *Var) compute.Buffer {
	if d := v.dst(); d != nil {
		return d
	}
	return t.temp(compute.F32, v.Len())
}

// Rope turns pairs of channels by an angle that grows with the position (Su et
// al. 2021, arXiv:2104.09864), in the half-rotation form of Hugging Face:
// channel j of a head pairs with j + headDim/2. x [N, heads*headDim], pos [N]
// from 0, invFreq [headDim/2] in radians per position.
func (t *Tape) Rope(x *Var, pos []int32, heads, headDim int, invFreq []float32) *Var {
	x.live("Rope")
	t.must(headDim%2 == 0 && len(invFreq) == headDim/2, "Rope", fmt.Sprintf("needs an even head width and half as many frequencies, got %d and %d", headDim, len(invFreq)), x)
	t.must(x.cols() == heads*headDim && len(pos) == x.rows(), "Rope", fmt.Sprintf("needs x [N,%d] and N positions, got %d", heads*headDim, len(pos)), x)
	last := int32(0)
	for _, p := range pos {
		last = max(last, p)
	}
	checkIndices("Rope", pos, 0, int(last)+1)
	tab, pb := ropeAngles(t.e, invFreq, int(last)+1), t.ints(pos)
	n, h, d, p := int64(x.rows()), int64(heads), int64(headDim), int64(tab.positions)
	y := t.alloc(x.shape)
	t.run(compute.Rope, bufs{x.buf, pb, tab.cos, tab.sin, y.buf}, []int64{n, h, d, 1, 0, p}, nil)
	return t.node(y, func() {
		dst, acc := x.dstAcc()
		t.run(compute.Rope, bufs{y.grad, pb, tab.cos, tab.sin, dst}, []int64{n, h, d, -1, acc, p}, nil)
	}, x)
}

type ropeTable struct {
	positions int
	cos, sin  compute.Buffer
}

// ropeAngles keeps one table for each set of frequencies and power of two of
// positions on the engine. The angle is the float32 product that Hugging Face
// computes, its cosine is taken in float64.
func ropeAngles(e compute.Engine, invFreq []float32, positions int) ropeTable {
	size := 256
	for size < positions {
		size *= 2
	}
	key := make([]byte, 0, 16+4*len(invFreq))
	key = fmt.Appendf(key, "rope %d ", size)
	for _, f := range invFreq {
		b := math.Float32bits(f)
		key = append(key, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
	}
	return e.Memo(string(key), func() any {
		c, s := make([]float32, size*len(invFreq)), make([]float32, size*len(invFreq))
		for p := 0; p < size; p++ {
			for j, f := range invFreq {
				angle := float64(float32(p) * f)
				c[p*len(invFreq)+j], s[p*len(invFreq)+j] = float32(math.Cos(angle)), float32(math.Sin(angle))
			}
		}
		tab := ropeTable{size, e.Alloc(compute.F32, len(c)), e.Alloc(compute.F32, len(s))}
		e.Upload(tab.cos, c)
		e.Upload(tab.sin, s)
		return tab
	}).(ropeTable)
}
