package model

import "github.com/tunelab/tunelab/framework/train/autograd"

// attend is attention of a layer's queries over keys and values.
type attend = func(layer int, q, k, v *autograd.Var) *autograd.Var

// decode is the decoder itself, with attention left to the caller.
func (m *Model) decode(t *autograd.Tape, x *autograd.Var, pos []int32, layers int, attend attend) *autograd.Var {
	for i := range layers {
		x = m.block(t, x, pos, i, attend)
	}
	if layers == m.cfg.Layers {
		x = m.norm(t, x, m.finalNorm)
	}
	return x
}

func (m *Model) block(t *autograd.Tape, x *autograd.Var, pos []int32, layer int, attend attend) *autograd.Var {
	b := &m.blocks[layer]
	h := m.norm(t, x, b.attn.before)
	q, k, v := m.project(t, b, h)
	q, k = m.normHeads(t, q, b.qNorm), m.normHeads(t, k, b.kNorm)
	if b.rope != nil {
		q = b.rope.apply(t, q, pos, m.cfg.Heads, m.cfg.HeadDim)
		k = b.rope.apply(t, k, pos, m.cfg.KVHeads, m.cfg.HeadDim)
	}
	a := m.norm(t, b.o.Forward(t, attend(layer, q, k, v)), b.attn.inside)
	if m.layout.parallel {
		if b.mlp.before.g != nil { // else both read the same norm
			h = m.norm(t, x, b.mlp.before)
		}
		return t.Add(t.Add(m.mlp(t, b, h), a), x)
	}
	x = m.norm(t, m.skip(t, x, a), b.attn.after)
	f := m.norm(t, m.mlp(t, b, m.norm(t, x, b.mlp.before)), b.mlp.inside)
	return m.norm(t, m.skip(t, x, f), b.mlp.after)
}

// skip is the residual connection.
func (m *Model) skip(t *autograd.Tape, x, f *autograd.Var) *autograd.Var {
	return t.Add(x, scale(t, f, m.cfg.ResidualMultiplier))
}

func (m *Model) norm(t *autograd.Tape, x *autograd.Var, n norm) *autograd.Var {
	eps := float32(m.cfg.NormEps)
	switch {
	case n.g == nil:
		return x
	case m.layout.norm == layerNorm:
		return t.LayerNorm(x, t.Param(n.g), t.Param(n.b), eps)
	case m.layout.norm == rmsNormPlusOne:
		return t.RMSNormPlusOne(x, t.Param(n.g), eps)
	}
	return t.RMSNorm(x, t.Param(n.g), eps)
}

// normHeads is the norm of queries or keys [N, heads*HeadDim].
func (m *Model) normHeads(t *autograd.Tape, x *autograd.Var, n norm) *autograd.Var {
	if n.g == nil || !m.layout.normHeads {
		return m.norm(t, x, n)
	}
	shape := x.Shape()
	x = m.norm(t, t.Reshape(x, shape[0]*shape[1]/m.cfg.HeadDim, m.cfg.HeadDim), n)
	return t.Reshape(x, shape...)
}

// project gives queries, keys and values. A fused projection has them one after
// the other: [N, 3C], or [N heads, 3 HeadDim] where they stand head by head.
func (m *Model) project(t *autograd.Tape, b *block, x *autograd.Var) (q, k, v *autograd.Var) {
	if len(b.qkv) == 3 {
		return b.qkv[0].Forward(t, x), b.qkv[1].Forward(t, x), b.qkv[2].Forward(t, x)
	}
	y := b.qkv[0].Forward(t, x)
	if !m.layout.fusedByHead {
		part := Columns(t, y, 3)
		return part[0], part[1], part[2]
	}
	n, c := y.Shape()[0], m.cfg.HiddenSize
	part := Columns(t, t.Reshape(y, n*m.cfg.Heads, 3*m.cfg.HeadDim), 3)
	return t.Reshape(part[0], n, c), t.Reshape(part[1], n, c), t.Reshape(part[2], n, c)
}

// Columns cuts [N,parts*C] into parts [N,C], by reading it as parts*N rows.
func Columns(t *autograd.Tape, x *autograd.Var, parts int) []*autograd.Var {
	n, c := x.Shape()[0], x.Shape()[1]/parts
	x = t.Reshape(x, parts*n, c)
	out := make([]*autograd.Var, parts)
	for j := range out {
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = int32(parts*i + j)
		}
		out[j] = t.Rows(x, rows)
	}
	return out
}
