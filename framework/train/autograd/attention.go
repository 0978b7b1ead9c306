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

	// Left is how many keys a token sees up to its own, that one counted, and
	// Right how many from its own on, that one counted; 0 is no bound. Causal is
	// Right 1. A causal window of W tokens (Mistral, Gemma) is Left W; a distance
	// of at most D to both sides (ModernBERT) is Left and Right D+1.
	Left, Right int
	// SoftCap c > 0 bounds a score s to c tanh(s/c) (Gemma 2, arXiv:2408.00118,
	// section 2).
	SoftCap float32
	// Bias is added to the scores by head and distance: [Heads, 2P-1], column
	// P-1+d for a key d places after the query's own, |d| < P, P at least the
	// keys of the longest sequence. It gets a gradient. nil: none. A learned
	// table by bucket (MPNet, T5) becomes one with Rows and Transpose.
	Bias *Var
}

// Attention is softmax(scale q k^T) v within each sequence: q
// [N, Heads*HeadDim], k and v [M, KVHeads*HeadDim]; the result has q's shape. M
// is N, or the sum of KVLens where keys stand before a sequence's own tokens
// (a learned prefix): causal, a token sees all of those that its window
// reaches. The backward pass computes the probabilities again, so that memory
// stays linear in N.
func (t *Tape) Attention(q, k, v *Var, s AttnSpec) *Var {
	s = s.defaults()
	q.live("Attention")
	n := q.rows()
	t.must(s.HeadDim > 0 && s.KVHeads > 0 && s.Heads%s.KVHeads == 0, "Attention",
		fmt.Sprintf("needs Heads a multiple of KVHeads, got %d and %d, HeadDim %d", s.Heads, s.KVHeads, s.HeadDim), q, k, v)
	t.must(q.cols() == s.Heads*s.HeadDim && k.cols() == s.KVHeads*s.HeadDim && sameShape(k.shape, v.shape), "Attention",
		fmt.Sprintf("needs q [N,%d], k and v [M,%d]", s.Heads*s.HeadDim, s.KVHeads*s.HeadDim), q, k, v)
	t.must(s.KVLens == nil || len(s.KVLens) == len(s.SeqLens), "Attention", "needs a number of keys for each sequence", q)
	t.must(s.Left >= 0 && s.Right >= 0 && s.SoftCap >= 0, "Attention", "needs Left, Right and SoftCap of at least 0", q)
	seg, at, keys, pairs, reach := make([]int32, 0, 4*len(s.SeqLens)), 0, 0, int64(0), 0
	for i, l := range s.SeqLens {
		m := l
		if s.KVLens != nil {
			m = s.KVLens[i]
		}
		t.must(l > 0 && m >= l, "Attention", fmt.Sprintf("sequence %d has %d tokens and %d keys, needs at least 1 and as many keys", i, l, m), q)
		seg = append(seg, int32(at), int32(l), int32(keys), int32(m))
		at, keys, reach = at+l, keys+m, max(reach, m)
		pairs += s.pairs(l, m)
	}
	t.must(at == n, "Attention", fmt.Sprintf("the lengths add up to %d, not to the rows of q", at), q)
	t.must(keys == k.rows(), "Attention", fmt.Sprintf("the lengths add up to %d keys, not to the rows of k", keys), k)
	ints := []int64{int64(n), int64(s.Heads), int64(s.KVHeads), int64(s.HeadDim), int64(len(s.SeqLens)), flag(s.Causal), pairs, int64(keys),
		int64(s.Left), int64(s.Right), 0}
	var bias compute.Buffer
	if s.Bias != nil {
		s.Bias.live("Attention")
		p := (s.Bias.cols() + 1) / 2
		t.must(s.Bias.rows() == s.Heads && s.Bias.cols() == 2*p-1 && p >= reach, "Attention",
			fmt.Sprintf("needs a bias [%d,2P-1] with P at least %d", s.Heads, reach), s.Bias)
		bias, ints[10] = s.Bias.buf, int64(p)
	}
	floats := []float64{float64(s.Scale), float64(s.SoftCap)}
	sb, o, lse := t.ints(seg), t.alloc(q.shape), t.temp(compute.F32, n*s.Heads)
	t.run(compute.Attention, bufs{q.buf, k.buf, v.buf, sb, o.buf, lse, bias}, ints, floats)
	return t.node(o, func() {
		dq, dk, dv, db := t.dstOrTemp(q), t.dstOrTemp(k), t.dstOrTemp(v), s.Bias.dst()
		t.run(compute.AttentionGrad, bufs{q.buf, k.buf, v.buf, sb, o.buf, lse, o.grad, dq, dk, dv, bias, db}, ints, floats)
	}, q, k, v, s.Bias)
}

// pairs is how many pairs of query and key l tokens with m keys look at.
func (s AttnSpec) pairs(l, m int) int64 {
	if s.Causal {
		s.Right = 1
	}
	n := int64(0)
	for at := m - l; at < m; at++ {
		from, to := 0, m
		if s.Left > 0 {
			from = max(0, at-s.Left+1)
		}
		if s.Right > 0 {
			to = min(m, at+s.Right)
		}
		n += int64(to - from)
	}
	return n
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
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
