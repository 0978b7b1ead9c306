package encoder

import (
	"slices"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Hidden is the final hidden state of every token: [N,C]. It panics with
// autograd's errors on an id or a token type outside its vocabulary, a sequence
// longer than the context or lengths that do not add up; autograd.Catch returns
// them.
func (m *Encoder) Hidden(t *autograd.Tape, b Batch) *autograd.Var {
	return m.HiddenAt(t, b, m.cfg.Layers)
}

// HiddenAt is the hidden state after the first layers blocks, [N,C]: 0 gives
// what enters the first, the number of blocks the final state, after the last
// norm (the convention of transformers' hidden_states).
func (m *Encoder) HiddenAt(t *autograd.Tape, b Batch, layers int) *autograd.Var {
	if layers < 0 || layers > m.cfg.Layers {
		panic(&autograd.IndexError{Op: "encoder: hidden state after block", Value: layers, Limit: m.cfg.Layers + 1})
	}
	m.check(b)
	pos := m.places(b)
	x, at := m.input(t, b, pos), m.attention(t, b, pos)
	for i := range layers {
		x = m.block(t, x, i, at)
	}
	if layers == m.cfg.Layers {
		x = m.norm(t, x, m.finalNorm)
	}
	return x
}

// input is what enters the first block: [N,C].
func (m *Encoder) input(t *autograd.Tape, b Batch, pos []int32) *autograd.Var {
	x := embedding(t, m.embed, b.IDs, m.cfg.PAD)
	if m.types != nil {
		types := b.Types
		if types == nil {
			types = make([]int32, len(b.IDs))
		}
		x = t.Add(x, t.Embedding(t.Param(m.types), types))
	}
	if m.positions != nil {
		x = t.Add(x, embedding(t, m.positions, pos, m.cfg.PadPosition))
	}
	x = m.norm(t, x, m.embedNorm)
	if m.project != nil {
		x = m.project.Forward(t, x)
	}
	return x
}

// embedding looks rows up, of which that of padding does not learn; pad < 0: all do.
func embedding(t *autograd.Tape, table *autograd.Param, ids []int32, pad int) *autograd.Var {
	if pad < 0 {
		return t.Embedding(t.Param(table), ids)
	}
	return t.EmbeddingWithout(t.Param(table), ids, pad)
}

func (m *Encoder) norm(t *autograd.Tape, x *autograd.Var, n norm) *autograd.Var {
	if n.g == nil {
		return x
	}
	b := n.b
	if b == nil {
		b = m.noBias
	}
	return t.LayerNorm(x, t.Param(n.g), t.Param(b), float32(m.cfg.NormEps))
}

// block is one block: [N,C] to [N,C].
func (m *Encoder) block(t *autograd.Tape, x *autograd.Var, i int, at attention) *autograd.Var {
	b := &m.blocks[i]
	if m.family.preNorm {
		x = t.Add(x, b.o.Forward(t, m.attend(t, m.norm(t, x, b.attnNorm), i, at)))
		return t.Add(x, m.feed(t, m.norm(t, x, b.mlpNorm), b))
	}
	x = m.norm(t, t.Add(x, b.o.Forward(t, m.attend(t, x, i, at))), b.attnNorm)
	return m.norm(t, t.Add(x, m.feed(t, x, b)), b.mlpNorm)
}

// feed is the MLP.
func (m *Encoder) feed(t *autograd.Tape, x *autograd.Var, b *block) *autograd.Var {
	y := b.up.Forward(t, x)
	if !m.family.names.gated {
		return b.down.Forward(t, activate(t, y, m.cfg.Activation))
	}
	half := model.Columns(t, y, 2)
	return b.down.Forward(t, t.Mul(activate(t, half[0], m.cfg.Activation), half[1]))
}

// attention is what all blocks share.
type attention struct {
	spec autograd.AttnSpec
	pos  []int32 // of rotary positions
}

func (m *Encoder) attention(t *autograd.Tape, b Batch, pos []int32) attention {
	a := attention{pos: pos, spec: autograd.AttnSpec{Heads: m.cfg.Heads, HeadDim: m.cfg.HeadDim(), SeqLens: b.SeqLens}}
	if m.bias != nil {
		longest := slices.Max(b.SeqLens)
		a.spec.Bias = t.Transpose(t.Embedding(t.Param(m.bias), bucketsUpTo(longest)))
	}
	return a
}

// attend is the attention of block i without its output projection.
func (m *Encoder) attend(t *autograd.Tape, x *autograd.Var, i int, at attention) *autograd.Var {
	var qkv []*autograd.Var
	for _, l := range m.blocks[i].qkv {
		qkv = append(qkv, l.Forward(t, x))
	}
	if len(qkv) == 1 {
		qkv = model.Columns(t, qkv[0], 3)
	}
	q, k, spec := qkv[0], qkv[1], at.spec
	if m.cfg.Rotary {
		angles := m.global
		if m.cfg.Local[i] {
			angles = m.local
			spec.Left, spec.Right = m.cfg.LocalDistance+1, m.cfg.LocalDistance+1
		}
		q, k = t.Rope(q, at.pos, spec.Heads, spec.HeadDim, angles), t.Rope(k, at.pos, spec.Heads, spec.HeadDim, angles)
	}
	return t.Attention(q, k, qkv[2], spec)
}
