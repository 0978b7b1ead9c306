package encoder

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// parts are what a folder may or may not hold beside the encoder.
type parts struct{ pooler, mlm bool }

// builder makes the weights, each with the values that read gives under its
// name in a task class; the first error stops it.
type builder struct {
	cfg  Config
	e    compute.Engine
	read func(name string, shape ...int) ([]float32, error)
	made []*autograd.Param
	err  error
}

func build(cfg Config, e compute.Engine, p parts, read func(name string, shape ...int) ([]float32, error)) (*Encoder, error) {
	b := builder{cfg: cfg, e: e, read: read}
	m := b.encoder(p)
	if b.err != nil {
		for _, p := range b.made {
			p.Free()
		}
		return nil, b.err
	}
	return m, nil
}

func (b *builder) encoder(have parts) *Encoder {
	cfg, f := b.cfg, families[b.cfg.Family]
	m := &Encoder{cfg: cfg, family: f, e: b.e}
	n, pre, c, width := f.names, f.prefix, cfg.HiddenSize, cfg.EmbedSize
	m.embed = b.param(pre+n.embed+".weight", cfg.VocabSize, width)
	if n.positions != "" {
		m.positions = b.param(pre+n.positions+".weight", cfg.MaxPositions, width)
	}
	if n.types != "" && cfg.TypeVocab > 0 {
		m.types = b.param(pre+n.types+".weight", cfg.TypeVocab, width)
	}
	m.embedNorm = b.norm(pre+n.embedNorm, width)
	if width != c {
		m.project = b.linear(pre+n.project, c, width, true)
	}
	for i := range cfg.Layers {
		m.blocks = append(m.blocks, b.block(fmt.Sprintf("%s%s.%d.", pre, n.block, i), i, f))
	}
	if n.bias != "" {
		m.bias = b.param(pre+n.bias+".weight", cfg.Buckets, cfg.Heads)
	}
	if n.finalNorm != "" {
		m.finalNorm = b.norm(pre+n.finalNorm, c)
	}
	if have.pooler {
		m.pooler = b.linear(pre+n.pooler, c, c, true)
	}
	if have.mlm {
		m.mlm = b.mlm(f.mlm, m.embed)
	}
	if cfg.Rotary {
		m.global, m.local = model.RotaryFrequencies(cfg.GlobalTheta, cfg.HeadDim()), model.RotaryFrequencies(cfg.LocalTheta, cfg.HeadDim())
	}
	if !cfg.NormBias && b.err == nil {
		m.noBias = autograd.NewParam(b.e, "zeros", []int{c}, nil)
		m.noBias.Trainable = false
	}
	return m
}

func (b *builder) block(pre string, layer int, f family) block {
	cfg, n := b.cfg, f.names
	c, inner := cfg.HiddenSize, cfg.IntermediateSize
	var bl block
	if n.fused != "" {
		bl.qkv = []*model.Linear{b.linear(pre+n.fused, 3*c, c, cfg.AttentionBias)}
	} else {
		for _, name := range []string{n.q, n.k, n.v} {
			bl.qkv = append(bl.qkv, b.linear(pre+name, c, c, cfg.AttentionBias))
		}
	}
	bl.o = b.linear(pre+n.o, c, c, cfg.AttentionBias)
	if !f.preNorm || layer > 0 { // before the first block stands the embeddings' own norm
		bl.attnNorm = b.norm(pre+n.attnNorm, c)
	}
	up := inner
	if n.gated {
		up = 2 * inner
	}
	bl.up = b.linear(pre+n.up, up, c, cfg.MLPBias)
	bl.down = b.linear(pre+n.down, c, inner, cfg.MLPBias)
	bl.mlpNorm = b.norm(pre+n.mlpNorm, c)
	return bl
}

// mlm builds the head: C to E, and E to V.
func (b *builder) mlm(n mlmNames, embed *autograd.Param) *mlmHead {
	cfg := b.cfg
	h := &mlmHead{
		dense:   b.linear(n.dense, cfg.EmbedSize, cfg.HiddenSize, cfg.HeadBias),
		norm:    b.norm(n.norm, cfg.EmbedSize),
		decoder: &model.Linear{Name: n.decoder, In: cfg.EmbedSize, Out: cfg.VocabSize, W: embed, Head: true},
	}
	if !cfg.TieEmbeddings {
		h.decoder.W = b.param(n.decoder+".weight", cfg.VocabSize, cfg.EmbedSize)
	}
	if cfg.DecoderBias {
		h.decoder.B = b.param(n.bias, cfg.VocabSize)
	}
	return h
}

func (b *builder) param(name string, shape ...int) *autograd.Param {
	if b.err != nil {
		return nil
	}
	data, err := b.read(name, shape...)
	if err != nil {
		b.err = err
		return nil
	}
	p := autograd.NewParam(b.e, name, shape, data)
	b.made = append(b.made, p)
	return p
}

func (b *builder) norm(name string, width int) norm {
	n := norm{g: b.param(name+".weight", width)}
	if b.cfg.NormBias {
		n.b = b.param(name+".bias", width)
	}
	return n
}

func (b *builder) linear(name string, out, in int, bias bool) *model.Linear {
	l := &model.Linear{Name: name, In: in, Out: out, W: b.param(name+".weight", out, in)}
	if bias {
		l.B = b.param(name+".bias", out)
	}
	return l
}
