package model

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Prefix is learned positions that stand before every sequence. Exactly one of
// Input and KV is set. They take the positions 0 to Len-1, and as many off the
// context; what the model gives is of the tokens alone.
type Prefix struct {
	Len int
	// Input gives vectors [Len,C] in place of token embeddings (Lester et al.
	// 2021, prompt tuning, section 2): of the embedding's width, C but in OPT's
	// projected variant, and without the factor that Gemma puts on tokens.
	Input func(t *autograd.Tape) *autograd.Var
	// KV gives the keys and values [Len,KVHeads*HeadDim] of a layer, which are
	// used as they are: no rotation is applied (Li and Liang 2021, prefix
	// tuning, section 4.2; rotation as in PEFT, which puts them in the cache).
	KV func(t *autograd.Tape, layer int) (k, v *autograd.Var)
}

// SetPrefix puts a prefix on the model, or with nil takes it off. Caches made
// before must not be used afterwards.
func (m *Model) SetPrefix(p *Prefix) error {
	if p != nil {
		switch {
		case p.Len < 1 || p.Len >= m.cfg.MaxPositions:
			return fmt.Errorf("prefix: %d positions; give at least 1 and fewer than the model's %d", p.Len, m.cfg.MaxPositions)
		case (p.Input == nil) == (p.KV == nil):
			return fmt.Errorf("prefix: give either its input vectors or its keys and values")
		}
	}
	m.prefix = p
	return nil
}

func (m *Model) prefixLen() int {
	if m.prefix == nil {
		return 0
	}
	return m.prefix.Len
}

// afterPrefix is decode for packed sequences after the prefix. Nothing in the
// prefix depends on what follows it, so that its rows are computed once for all
// sequences, and each sequence sees their keys and values before its own.
func (m *Model) afterPrefix(t *autograd.Tape, x *autograd.Var, pos []int32, layers int, seqLens []int) *autograd.Var {
	p, n := m.prefix, x.Shape()[0]
	var keys []int32 // of each sequence in turn, as rows of the prefix and the tokens
	var qLens, kvLens []int
	add := func(first, n, before int) {
		keys = appendRange(appendRange(keys, 0, before), first, n)
		qLens, kvLens = append(qLens, n), append(kvLens, before+n)
	}
	if p.Input != nil {
		add(0, p.Len, 0)
		x, pos = t.Concat(m.virtual(t), x), append(appendRange(nil, 0, p.Len), pos...)
	}
	at := p.Len
	for _, l := range seqLens {
		add(at, l, p.Len)
		at += l
	}
	h := m.decode(t, x, pos, layers, func(t *autograd.Tape, layer int, q, k, v *autograd.Var) *autograd.Var {
		if p.KV != nil {
			before, values := p.KV(t, layer)
			k, v = t.Concat(before, k), t.Concat(values, v)
		}
		return t.Attention(q, t.Rows(k, keys), t.Rows(v, keys), m.attention(layer, qLens, kvLens))
	})
	if p.Input != nil {
		h = t.Rows(h, appendRange(nil, p.Len, n))
	}
	return h
}

// virtual is the input of the prefix with its positions: [Len,C].
func (m *Model) virtual(t *autograd.Tape) *autograd.Var {
	x := m.prefix.Input(t)
	if s, width := x.Shape(), m.cfg.EmbedWidth(); len(s) != 2 || s[0] != m.prefix.Len || s[1] != width {
		panic(&autograd.ShapeError{Op: "model: prefix", Shapes: [][]int{s}, Reason: fmt.Sprintf("needs [%d,%d]", m.prefix.Len, width)})
	}
	return m.place(t, x, appendRange(nil, 0, m.prefix.Len))
}

// fillPrefix computes the prefix of a cache, once.
func (m *Model) fillPrefix(t *autograd.Tape, c *autograd.KVCache) {
	p := m.prefix
	ks, vs := make([]*autograd.Var, m.cfg.Layers), make([]*autograd.Var, m.cfg.Layers)
	if p.KV != nil {
		for l := range ks {
			ks[l], vs[l] = p.KV(t, l)
		}
	} else {
		x, pos := m.virtual(t), appendRange(nil, 0, p.Len)
		for l := range ks { // on t itself, so that keys and values stay
			x = m.block(t, x, pos, l, func(t *autograd.Tape, layer int, q, k, v *autograd.Var) *autograd.Var {
				ks[layer], vs[layer] = k, v
				return t.Attention(q, k, v, m.attention(layer, []int{p.Len}, nil))
			})
		}
	}
	c.SetPrefix(ks, vs)
}
