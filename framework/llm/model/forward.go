package model

import (
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
	x, spec := m.input(t, b.IDs, pos), m.attention(b.SeqLens)
	if m.prefix != nil {
		return m.afterPrefix(t, x, pos, layers, spec)
	}
	return m.decode(t, x, pos, layers, func(_ int, q, k, v *autograd.Var) *autograd.Var {
		return t.Attention(q, k, v, spec)
	})
}

func (m *Model) attention(seqLens []int) autograd.AttnSpec {
	return autograd.AttnSpec{Heads: m.cfg.Heads, KVHeads: m.cfg.KVHeads, HeadDim: m.cfg.HeadDim, SeqLens: seqLens, Causal: true}
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
	spec := autograd.CachedSpec{Heads: m.cfg.Heads, Slots: slots, NewLens: b.SeqLens}
	attend := func(layer int, q, k, v *autograd.Var) *autograd.Var {
		return t.AttentionCached(q, k, v, c, layer, spec)
	}
	h := m.decode(t, m.input(t, b.IDs, pos), pos, m.cfg.Layers, attend)
	c.Advance(slots, b.SeqLens)
	return h
}

// Logits is the output layer: hidden [N,C] gives [N,V].
func (m *Model) Logits(t *autograd.Tape, hidden *autograd.Var) *autograd.Var {
	return m.head.Forward(t, hidden)
}

func (m *Model) checkLength(i, n int) {
	if n > m.ContextLength() {
		panic(&autograd.IndexError{Op: "model: length of the sequence over the context", At: i, Value: n, Limit: m.ContextLength() + 1})
	}
}

// input is what enters the first block: [N,C].
func (m *Model) input(t *autograd.Tape, ids, pos []int32) *autograd.Var {
	return m.place(t, t.Embedding(t.Param(m.embed), ids), pos)
}

// place adds learned positions, where the family has them.
func (m *Model) place(t *autograd.Tape, x *autograd.Var, pos []int32) *autograd.Var {
	if m.positions == nil {
		return x
	}
	return t.Add(x, t.Embedding(t.Param(m.positions), pos))
}

// decode is the decoder itself, with attention left to the caller.
func (m *Model) decode(t *autograd.Tape, x *autograd.Var, pos []int32, layers int, attend func(layer int, q, k, v *autograd.Var) *autograd.Var) *autograd.Var {
	for i := range layers {
		b := &m.blocks[i]
		q, k, v := m.project(t, b, m.norm(t, x, b.attnNorm))
		if m.positions == nil {
			q = t.Rope(q, pos, m.cfg.Heads, m.cfg.HeadDim, m.invFreq)
			k = t.Rope(k, pos, m.cfg.KVHeads, m.cfg.HeadDim, m.invFreq)
		}
		x = t.Add(x, b.o.Forward(t, attend(i, q, k, v)))
		x = t.Add(x, b.mlp(t, m.norm(t, x, b.mlpNorm)))
	}
	if layers == m.cfg.Layers {
		x = m.norm(t, x, m.finalNorm)
	}
	return x
}

func (m *Model) norm(t *autograd.Tape, x *autograd.Var, n norm) *autograd.Var {
	if n.b != nil {
		return t.LayerNorm(x, t.Param(n.g), t.Param(n.b), float32(m.cfg.NormEps))
	}
	return t.RMSNorm(x, t.Param(n.g), float32(m.cfg.NormEps))
}

// project gives queries, keys and values. A fused projection [N,3C] is read as
// 3N rows of C, of which every third belongs to each.
func (m *Model) project(t *autograd.Tape, b *block, x *autograd.Var) (q, k, v *autograd.Var) {
	if len(b.qkv) == 3 {
		return b.qkv[0].Forward(t, x), b.qkv[1].Forward(t, x), b.qkv[2].Forward(t, x)
	}
	y := b.qkv[0].Forward(t, x)
	n, c := y.Shape()[0], m.cfg.HiddenSize
	y = t.Reshape(y, 3*n, c)
	var part [3]*autograd.Var
	for j := range part {
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = int32(3*i + j)
		}
		part[j] = t.Rows(y, rows)
	}
	return part[0], part[1], part[2]
}

func (b *block) mlp(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	if b.gate == nil {
		return b.down.Forward(t, t.GELU(b.up.Forward(t, x), true))
	}
	return b.down.Forward(t, t.SiLUMul(b.gate.Forward(t, x), b.up.Forward(t, x)))
}
