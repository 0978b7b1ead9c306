package model

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Batch is packed sequences: IDs holds the tokens of all of them one after the
// other, SeqLens how many belong to each; sum(SeqLens) = len(IDs) = N.
type Batch struct {
	IDs     []int32
	SeqLens []int
}

// Pack makes a Batch of sequences.
func Pack(seqs ...[]int) Batch {
	var b Batch
	for _, s := range seqs {
		for _, id := range s {
			b.IDs = append(b.IDs, int32(id))
		}
		b.SeqLens = append(b.SeqLens, len(s))
	}
	return b
}

// Hidden is the final hidden state of every token, after the last norm: [N,C].
// It panics with autograd's errors on an id outside the vocabulary, a sequence
// longer than the context or lengths that do not add up; autograd.Catch
// returns them.
func (m *Model) Hidden(t *autograd.Tape, b Batch) *autograd.Var {
	return m.HiddenAt(t, b, m.cfg.Layers)
}

// HiddenAt is the hidden state after the first layers blocks, [N,C]: 0 gives
// the embeddings, the number of blocks the final state after the last norm
// (the convention of transformers' hidden_states).
func (m *Model) HiddenAt(t *autograd.Tape, b Batch, layers int) *autograd.Var {
	if layers < 0 || layers > m.cfg.Layers {
		panic(&autograd.IndexError{Op: "model: hidden state after block", Value: layers, Limit: m.cfg.Layers + 1})
	}
	pos := make([]int32, 0, len(b.IDs))
	for i, n := range b.SeqLens {
		m.checkLength(i, n)
		pos = appendRange(pos, m.prefixLen(), n)
	}
	x := m.input(t, b.IDs, pos)
	if m.prefix != nil {
		return m.afterPrefix(t, x, pos, layers, b.SeqLens)
	}
	return m.decode(t, x, pos, layers, func(t *autograd.Tape, layer int, q, k, v *autograd.Var) *autograd.Var {
		return t.Attention(q, k, v, m.attention(layer, b.SeqLens, nil))
	})
}

// attention of a layer; kvLens nil means seqLens.
func (m *Model) attention(layer int, seqLens, kvLens []int) autograd.AttnSpec {
	return autograd.AttnSpec{Heads: m.cfg.Heads, KVHeads: m.cfg.KVHeads, HeadDim: m.cfg.HeadDim, SeqLens: seqLens, KVLens: kvLens,
		Causal: true, Left: m.cfg.Window(layer), Scale: float32(m.cfg.AttentionScale()), SoftCap: float32(m.cfg.AttentionSoftCap)}
}

// appendRange appends the n numbers from first on.
func appendRange(to []int32, first, n int) []int32 {
	for i := range n {
		to = append(to, int32(first+i))
	}
	return to
}

// NewCache makes an empty cache for slots sequences of up to maxLen tokens. A
// prefix is not counted in its lengths; the first use computes it.
func (m *Model) NewCache(slots, maxLen int) *autograd.KVCache {
	c := autograd.NewKVCache(m.e, m.cfg.Layers, slots, m.prefixLen()+maxLen, m.cfg.KVHeads, m.cfg.HeadDim)
	c.Reserve(m.prefixLen())
	return c
}

// HiddenCached runs the new tokens of some slots of a cache: b's sequence i is
// appended to slot slots[i]. It gives their final hidden states [N,C] and
// advances the cache. The tape must not be training.
func (m *Model) HiddenCached(t *autograd.Tape, b Batch, c *autograd.KVCache, slots []int) *autograd.Var {
	pos := make([]int32, 0, len(b.IDs))
	for i, n := range b.SeqLens {
		m.checkLength(i, c.Len(slots[i])+n)
		pos = appendRange(pos, m.prefixLen()+c.Len(slots[i]), n)
	}
	if m.prefix != nil && !c.HasPrefix() {
		m.fillPrefix(t, c)
	}
	attend := func(t *autograd.Tape, layer int, q, k, v *autograd.Var) *autograd.Var {
		a := m.attention(layer, nil, nil)
		return t.AttentionCached(q, k, v, c, layer, autograd.CachedSpec{Heads: a.Heads, Slots: slots, NewLens: b.SeqLens,
			Scale: a.Scale, Left: a.Left, SoftCap: a.SoftCap})
	}
	h := m.decode(t, m.input(t, b.IDs, pos), pos, m.cfg.Layers, attend)
	c.Advance(slots, b.SeqLens)
	return h
}

// Logits is the output layer with what the family puts around it: hidden [N,C]
// gives [N,V].
func (m *Model) Logits(t *autograd.Tape, hidden *autograd.Var) *autograd.Var {
	if m.out != nil {
		hidden = m.out.Forward(t, hidden)
	}
	x := m.head.Forward(t, hidden)
	if d := m.cfg.LogitsDivisor; d > 0 {
		x = scale(t, x, 1/d)
	}
	if limit := m.cfg.LogitSoftCap; limit > 0 {
		x = t.Scale(t.Tanh(t.Scale(x, float32(1/limit))), float32(limit))
	}
	return x
}

// scale leaves x alone where there is nothing to do.
func scale(t *autograd.Tape, x *autograd.Var, by float64) *autograd.Var {
	if by == 0 || by == 1 {
		return x
	}
	return t.Scale(x, float32(by))
}

func (m *Model) checkLength(i, n int) {
	if n > m.ContextLength() {
		panic(&autograd.ShapeError{Op: "model", Shapes: [][]int{{n}},
			Reason: fmt.Sprintf("sequence %d has %d tokens and the model's context holds %d; shorten it", i, n, m.ContextLength())})
	}
}

// input is what enters the first block: [N,C].
func (m *Model) input(t *autograd.Tape, ids, pos []int32) *autograd.Var {
	x := m.tokens(t, ids)
	if m.layout.scaleTokens {
		x = t.Scale(x, float32(math.Sqrt(float64(m.cfg.HiddenSize))))
	}
	return m.place(t, x, pos)
}

func (m *Model) tokens(t *autograd.Tape, ids []int32) *autograd.Var {
	if m.layout.frozenPad && m.cfg.PAD >= 0 {
		return t.EmbeddingWithout(t.Param(m.embed), ids, m.cfg.PAD)
	}
	return t.Embedding(t.Param(m.embed), ids)
}

// place brings embeddings [N,E] to the hidden size and adds learned positions,
// where the family has them.
func (m *Model) place(t *autograd.Tape, x *autograd.Var, pos []int32) *autograd.Var {
	x = scale(t, x, m.cfg.EmbeddingMultiplier)
	if m.in != nil {
		x = m.in.Forward(t, x)
	}
	if m.positions == nil {
		return x
	}
	rows := pos
	if first := m.layout.positionOffset; first > 0 {
		rows = make([]int32, len(pos))
		for i, p := range pos {
			rows[i] = p + int32(first)
		}
	}
	return t.Add(x, t.Embedding(t.Param(m.positions), rows))
}
