package encoder

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// parts are what a folder may or may not hold beside the encoder.
type parts struct{ pooler, mlm bool }

// builder makes the weights, by their names in a task class.
type builder struct {
	*model.Builder
	cfg Config
}

func build(cfg Config, e compute.Engine, have parts, src model.Source) (*Encoder, error) {
	b := builder{Builder: model.NewBuilder(e, src), cfg: cfg}
	m := b.encoder(have)
	var err error
	if m.Weights, err = b.Done(); err != nil {
		return nil, err
	}
	if cfg.Rotary {
		m.global, m.local = model.RotaryFrequencies(cfg.GlobalTheta, cfg.HeadDim()), model.RotaryFrequencies(cfg.LocalTheta, cfg.HeadDim())
	}
	if !cfg.NormBias {
		m.noBias = autograd.NewParam(e, "zeros", []int{cfg.HiddenSize}, nil)
		m.noBias.Trainable = false
	}
	return m, nil
}

func (b *builder) encoder(have parts) *Encoder {
	cfg, f := b.cfg, families[b.cfg.Family]
	m := &Encoder{cfg: cfg, family: f}
	n, pre, c, width := f.names, f.prefix, cfg.HiddenSize, cfg.EmbedSize
	m.embed = b.table(pre+n.embed, cfg.VocabSize, width)
	if n.positions != "" {
		m.positions = b.table(pre+n.positions, cfg.MaxPositions, width)
	}
	if n.types != "" && cfg.TypeVocab > 0 {
		m.types = b.table(pre+n.types, cfg.TypeVocab, width)
	}
	m.embedNorm = b.norm(pre+n.embedNorm, width)
	if width != c {
		m.project = b.linear(pre+n.project, c, width, true)
	}
	for i := 0; i < cfg.Layers && b.Err() == nil; i++ {
		m.blocks = append(m.blocks, b.block(fmt.Sprintf("%s%s.%d.", pre, n.block, i), i, f))
	}
	if n.bias != "" {
		m.bias = b.table(pre+n.bias, cfg.Buckets, cfg.Heads)
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
	h := &mlmHead{dense: b.linear(n.dense, cfg.EmbedSize, cfg.HiddenSize, cfg.HeadBias), norm: b.norm(n.norm, cfg.EmbedSize)}
	if !cfg.TieEmbeddings {
		embed = nil
	}
	bias := ""
	if cfg.DecoderBias {
		bias = n.bias
	}
	h.decoder = b.Head(n.decoder, cfg.VocabSize, cfg.EmbedSize, embed, bias)
	return h
}

func (b *builder) table(name string, rows, width int) *autograd.Param {
	return b.Param(name+".weight", model.Table, rows, width)
}

func (b *builder) norm(name string, width int) norm {
	n := norm{g: b.Param(name+".weight", model.Gain, width)}
	if b.cfg.NormBias {
		n.b = b.Param(name+".bias", model.Bias, width)
	}
	return n
}

func (b *builder) linear(name string, out, in int, bias bool) *model.Linear {
	return b.Linear(name, model.Matrix, out, in, bias)
}
