package model

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// assemble builds the decoder, asking src for every weight in Params' order.
func assemble(cfg checkpoint.Config, e compute.Engine, src Source) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := builder{Builder: NewBuilder(e, src), cfg: cfg, layout: layouts[cfg.Family](cfg)}
	m := &Model{cfg: cfg, layout: b.layout}
	ly, c, width := b.layout, cfg.HiddenSize, cfg.EmbedWidth()
	m.embed = b.Param(ly.base+ly.embed+".weight", Table, cfg.VocabSize, width)
	if ly.positions != "" {
		m.positions = b.Param(ly.base+ly.positions+".weight", Table, ly.positionOffset+cfg.MaxPositions, c)
	}
	m.in = b.linear(ly.base, ly.projectIn, Matrix, c, width, false)
	for i := 0; i < cfg.Layers && b.Err() == nil; i++ {
		m.blocks = append(m.blocks, b.block(fmt.Sprintf("%s%s.%d.", ly.base, ly.blocks, i), i))
	}
	m.finalNorm = b.norm(ly.base, ly.finalNorm, c)
	m.out = b.linear(ly.base, ly.projectOut, Matrix, width, c, false)
	var tied *autograd.Param
	if cfg.TieEmbeddings {
		tied = m.embed
	}
	headBias := ""
	if ly.headBias {
		headBias = "lm_head.bias"
	}
	m.head = b.Head("lm_head", cfg.VocabSize, width, tied, headBias)
	var err error
	if m.Weights, err = b.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

type builder struct {
	*Builder
	cfg    checkpoint.Config
	layout layout
	ropes  [2]*rotary // of full and of sliding layers
}

// norm over c channels; none where the layout has no name for it.
func (b *builder) norm(prefix, name string, c int) norm {
	if name == "" {
		return norm{}
	}
	k := Gain
	if b.layout.norm == rmsNormPlusOne {
		k = GainOver1
	}
	n := norm{g: b.Param(prefix+name+".weight", k, c)}
	if b.layout.norm == layerNorm {
		n.b = b.Param(prefix+name+".bias", Bias, c)
	}
	return n
}

// linear is nil where the layout has no name for it.
func (b *builder) linear(prefix, name string, k Kind, out, in int, withBias bool) *Linear {
	if name == "" {
		return nil
	}
	return b.Linear(prefix+name, k, out, in, withBias)
}

func (b *builder) block(prefix string, layer int) block {
	cfg, ly := b.cfg, b.layout
	c, inner := cfg.HiddenSize, cfg.IntermediateSize
	q, kv := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	var bl block
	bl.attn.before = b.norm(prefix, ly.attn.before, c)
	if ly.fused != "" {
		bl.qkv = []*Linear{b.linear(prefix, ly.fused, Matrix, q+2*kv, c, ly.qkvBias)}
	} else {
		bl.qkv = []*Linear{
			b.linear(prefix, ly.q, Matrix, q, c, ly.qkvBias),
			b.linear(prefix, ly.k, Matrix, kv, c, ly.qkvBias),
			b.linear(prefix, ly.v, Matrix, kv, c, ly.qkvBias),
		}
	}
	bl.o = b.linear(prefix, ly.o, Residual, c, q, ly.oBias)
	if ly.normHeads {
		q, kv = cfg.HeadDim, cfg.HeadDim
	}
	bl.qNorm, bl.kNorm = b.norm(prefix, ly.qNorm, q), b.norm(prefix, ly.kNorm, kv)
	bl.attn.inside, bl.attn.after = b.norm(prefix, ly.attn.inside, c), b.norm(prefix, ly.attn.after, c)
	bl.mlp.before = b.norm(prefix, ly.mlp.before, c)
	bl.gate = b.linear(prefix, ly.gate, Matrix, inner, c, ly.mlpBias)
	bl.up = b.linear(prefix, ly.up, Matrix, inner, c, ly.mlpBias)
	bl.down = b.linear(prefix, ly.down, Residual, c, inner, ly.mlpBias)
	bl.mlp.inside, bl.mlp.after = b.norm(prefix, ly.mlp.inside, c), b.norm(prefix, ly.mlp.after, c)
	bl.rope = b.rope(layer)
	return bl
}

// rope is nil in a layer without rotary positions. The frequencies are made
// once the first block's weights have shown that its sizes are real.
func (b *builder) rope(layer int) *rotary {
	cfg := b.cfg
	if b.layout.positions != "" || b.Err() != nil || cfg.NoRope != nil && cfg.NoRope[layer] {
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
