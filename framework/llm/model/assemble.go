package model

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// source gives the initial values of a weight, from a file or a generator;
// shape is the shape in memory. They are written when they are first needed.
type source func(name string, shape []int, k kind) (fill func(dst []float32) error, err error)

// kind says what a weight is, for its storage and its initial values.
type kind int

const (
	matrix    kind = iota // a linear layer's weight
	residual              // likewise, of a layer that writes to the residual stream
	table                 // an embedding
	gain                  // a norm's factor
	gainOver1             // a norm's factor less 1
	bias
)

// assemble builds the decoder, asking src for every weight in Params' order, but
// first nf4, if it is there, for each linear layer's.
func assemble(cfg checkpoint.Config, e compute.Engine, src source, nf4 source4) (m *Model, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := builder{cfg: cfg, layout: layouts[cfg.Family](cfg), e: e, src: src, nf4: nf4}
	m = &Model{cfg: cfg, layout: b.layout, e: e}
	ly, c, width := b.layout, cfg.HiddenSize, cfg.EmbedWidth()
	m.embed = b.param(ly.base+ly.embed+".weight", table, cfg.VocabSize, width)
	if ly.positions != "" {
		m.positions = b.param(ly.base+ly.positions+".weight", table, ly.positionOffset+cfg.MaxPositions, c)
	}
	m.in = b.linear(ly.base, ly.projectIn, matrix, c, width, false)
	for i := 0; i < cfg.Layers && b.err == nil; i++ {
		m.blocks = append(m.blocks, b.block(fmt.Sprintf("%s%s.%d.", ly.base, ly.blocks, i), i))
	}
	m.finalNorm = b.norm(ly.base, ly.finalNorm, c)
	m.out = b.linear(ly.base, ly.projectOut, matrix, width, c, false)
	m.head = &Linear{Name: "lm_head", In: width, Out: cfg.VocabSize, W: m.embed, Head: true}
	if !cfg.TieEmbeddings {
		m.head.W = b.param("lm_head.weight", table, cfg.VocabSize, width)
	}
	if ly.headBias {
		m.head.B = b.param("lm_head.bias", bias, cfg.VocabSize)
	}
	if b.err != nil {
		for _, p := range b.made {
			p.Free()
		}
		freeNF4(e, b.made4)
		return nil, b.err
	}
	m.stored4 = b.made4
	return m, nil
}

type builder struct {
	cfg    checkpoint.Config
	layout layout
	e      compute.Engine
	src    source
	nf4    source4
	ropes  [2]*rotary // of full and of sliding layers
	made   []*autograd.Param
	made4  []*autograd.NF4
	err    error // the first
}

func (b *builder) param(name string, k kind, shape ...int) *autograd.Param {
	if b.err != nil {
		return nil
	}
	fill, err := b.src(name, shape, k)
	if err != nil {
		b.err = err
		return nil
	}
	p := autograd.NewLazyParam(b.e, name, shape, fill)
	b.made = append(b.made, p)
	return p
}

// norm over c channels; none where the layout has no name for it.
func (b *builder) norm(prefix, name string, c int) norm {
	if name == "" {
		return norm{}
	}
	k := gain
	if b.layout.norm == rmsNormPlusOne {
		k = gainOver1
	}
	n := norm{g: b.param(prefix+name+".weight", k, c)}
	if b.layout.norm == layerNorm {
		n.b = b.param(prefix+name+".bias", bias, c)
	}
	return n
}

// linear is nil where the layout has no name for it.
func (b *builder) linear(prefix, name string, k kind, out, in int, withBias bool) *Linear {
	if name == "" {
		return nil
	}
	l := &Linear{Name: prefix + name, In: in, Out: out, Frozen: b.frozen(prefix+name+".weight", out, in)}
	if l.Frozen == nil {
		l.W = b.param(prefix+name+".weight", k, out, in)
	}
	if withBias {
		l.B = b.param(prefix+name+".bias", bias, out)
	}
	return l
}

func (b *builder) block(prefix string, layer int) block {
	cfg, ly := b.cfg, b.layout
	c, inner := cfg.HiddenSize, cfg.IntermediateSize
	q, kv := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	var bl block
	bl.attn.before = b.norm(prefix, ly.attn.before, c)
	if ly.fused != "" {
		bl.qkv = []*Linear{b.linear(prefix, ly.fused, matrix, q+2*kv, c, ly.qkvBias)}
	} else {
		bl.qkv = []*Linear{
			b.linear(prefix, ly.q, matrix, q, c, ly.qkvBias),
			b.linear(prefix, ly.k, matrix, kv, c, ly.qkvBias),
			b.linear(prefix, ly.v, matrix, kv, c, ly.qkvBias),
		}
	}
	bl.o = b.linear(prefix, ly.o, residual, c, q, ly.oBias)
	if ly.normHeads {
		q, kv = cfg.HeadDim, cfg.HeadDim
	}
	bl.qNorm, bl.kNorm = b.norm(prefix, ly.qNorm, q), b.norm(prefix, ly.kNorm, kv)
	bl.attn.inside, bl.attn.after = b.norm(prefix, ly.attn.inside, c), b.norm(prefix, ly.attn.after, c)
	bl.mlp.before = b.norm(prefix, ly.mlp.before, c)
	bl.gate = b.linear(prefix, ly.gate, matrix, inner, c, ly.mlpBias)
	bl.up = b.linear(prefix, ly.up, matrix, inner, c, ly.mlpBias)
	bl.down = b.linear(prefix, ly.down, residual, c, inner, ly.mlpBias)
	bl.mlp.inside, bl.mlp.after = b.norm(prefix, ly.mlp.inside, c), b.norm(prefix, ly.mlp.after, c)
	bl.rope = b.rope(layer)
	return bl
}

// rope is nil in a layer without rotary positions. The frequencies are made
// once the first block's weights have shown that its sizes are real.
func (b *builder) rope(layer int) *rotary {
	cfg := b.cfg
	if b.layout.positions != "" || b.err != nil || cfg.NoRope != nil && cfg.NoRope[layer] {
		return nil
	}
	which, theta, scaling := 0, cfg.RopeTheta, cfg.Rope
	if cfg.LocalTheta > 0 && cfg.Window(layer) > 0 {
		which, theta, scaling = 1, cfg.LocalTheta, cfg.LocalRope
	}
	if b.ropes[which] == nil {
		b.ropes[which] = newRotary(theta, cfg.RotaryDim(), scaling)
	}
	return b.ropes[which]
}
