package model

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Model is a decoder with its weights on one engine. Forward passes with
// different tapes may run side by side as long as nothing is trained.
type Model struct {
	cfg    checkpoint.Config
	layout layout
	e      compute.Engine

	embed     *autograd.Param // [V,C]
	positions *autograd.Param // [context,C], nil with rotary positions
	blocks    []block
	finalNorm norm
	head      *Linear   // W is embed when tied
	invFreq   []float32 // rotary frequencies, radians per position
	prefix    *Prefix   // nil: none
}

type block struct {
	attnNorm, mlpNorm norm
	qkv               []*Linear // one fused, or q, k and v
	o                 *Linear
	gate              *Linear // nil: GELU
	up, down          *Linear
}

type norm struct{ g, b *autograd.Param } // b nil: RMSNorm

// Config is the architecture.
func (m *Model) Config() checkpoint.Config { return m.cfg }

// Engine is where the weights live.
func (m *Model) Engine() compute.Engine { return m.e }

// ContextLength is the longest sequence the model takes, in tokens: its
// positions without those of a prefix.
func (m *Model) ContextLength() int { return m.cfg.MaxPositions - m.prefixLen() }

// Head is the output layer "lm_head". With tied embeddings its W is the token
// embedding's Param itself.
func (m *Model) Head() *Linear { return m.head }

// Embedding is the token embedding [V,C].
func (m *Model) Embedding() *autograd.Param { return m.embed }

// Linears are the linear layers of the blocks in order, without the output
// layer: what "all-linear" means in PEFT and Dettmers et al. 2023 (section 4).
func (m *Model) Linears() []*Linear {
	var out []*Linear
	for i := range m.blocks {
		out = append(out, m.blocks[i].linears()...)
	}
	return out
}

func (b *block) linears() []*Linear {
	out := append([]*Linear(nil), b.qkv...)
	for _, l := range []*Linear{b.o, b.gate, b.up, b.down} {
		if l != nil {
			out = append(out, l)
		}
	}
	return out
}

// Params are the weights in a fixed order, by their Hugging Face names. A tied
// output layer does not appear again; weights replaced by NF4 do not appear.
func (m *Model) Params() []*autograd.Param {
	var out []*autograd.Param
	add := func(ps ...*autograd.Param) {
		for _, p := range ps {
			if p != nil {
				out = append(out, p)
			}
		}
	}
	add(m.embed, m.positions)
	for i := range m.blocks {
		b := &m.blocks[i]
		add(b.attnNorm.g, b.attnNorm.b)
		for _, l := range append(b.qkv[:len(b.qkv):len(b.qkv)], b.o) {
			add(l.W, l.B)
		}
		add(b.mlpNorm.g, b.mlpNorm.b)
		for _, l := range []*Linear{b.gate, b.up, b.down} {
			if l != nil {
				add(l.W, l.B)
			}
		}
	}
	add(m.finalNorm.g, m.finalNorm.b)
	if !m.cfg.TieEmbeddings {
		add(m.head.W)
	}
	return out
}

// ParamCount is the number of weights; those in NF4 count as well, tied ones
// once, adapters not.
func (m *Model) ParamCount() int64 {
	n := int64(0)
	for _, p := range m.Params() {
		n += int64(p.Len())
	}
	for _, l := range m.Linears() {
		if l.Frozen != nil {
			n += int64(l.Out) * int64(l.In)
		}
	}
	return n
}

// Freeze makes every weight untrainable; an adapter's own parameters are not
// among them.
func (m *Model) Freeze() {
	for _, p := range m.Params() {
		p.Trainable = false
	}
}

// Free gives the weights' memory back to the engine; the model must not be
// used afterwards. NF4 weights and adapters belong to whoever set them.
func (m *Model) Free() {
	for _, p := range m.Params() {
		p.Free()
	}
}

// source gives the initial values of a weight, from a file or a generator;
// shape is the shape in memory.
type source func(name string, shape []int, k kind) ([]float32, error)

// kind says what a weight is, for its storage and its initial values.
type kind int

const (
	matrix   kind = iota // a linear layer's weight
	residual             // likewise, of a layer that writes to the residual stream
	table                // an embedding
	gain                 // a norm's factor
	bias
)

// assemble builds the decoder, asking src for every weight in Params' order.
func assemble(cfg checkpoint.Config, e compute.Engine, src source) (m *Model, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := builder{cfg: cfg, layout: layouts[cfg.Family], e: e, src: src}
	m = &Model{cfg: cfg, layout: b.layout, e: e}
	ly, c := b.layout, cfg.HiddenSize
	m.embed = b.param(ly.prefix+ly.embed+".weight", table, cfg.VocabSize, c)
	if ly.positions != "" {
		m.positions = b.param(ly.prefix+ly.positions+".weight", table, cfg.MaxPositions, c)
	} else {
		m.invFreq = rotaryFrequencies(cfg.RopeTheta, cfg.HeadDim)
	}
	for i := range cfg.Layers {
		m.blocks = append(m.blocks, b.block(fmt.Sprintf("%s%s.%d.", ly.prefix, ly.block, i)))
	}
	m.finalNorm = b.norm(ly.prefix + ly.finalNorm)
	m.head = &Linear{Name: "lm_head", In: c, Out: cfg.VocabSize, W: m.embed, Head: true}
	if !cfg.TieEmbeddings {
		m.head.W = b.param("lm_head.weight", table, cfg.VocabSize, c)
	}
	if b.err != nil {
		for _, p := range b.made {
			p.Free()
		}
		return nil, b.err
	}
	return m, nil
}

// rotaryFrequencies are 1/theta^(2j/d), rounded to float32 where transformers
// rounds (modeling_rope_utils.py, _compute_default_rope_parameters).
func rotaryFrequencies(theta float64, d int) []float32 {
	f := make([]float32, d/2)
	for j := range f {
		exponent := float32(2*j) / float32(d)
		f[j] = 1 / float32(math.Pow(theta, float64(exponent)))
	}
	return f
}

type builder struct {
	cfg    checkpoint.Config
	layout layout
	e      compute.Engine
	src    source
	made   []*autograd.Param
	err    error // the first
}

func (b *builder) param(name string, k kind, shape ...int) *autograd.Param {
	if b.err != nil {
		return nil
	}
	data, err := b.src(name, shape, k)
	if err != nil {
		b.err = err
		return nil
	}
	p := autograd.NewParam(b.e, name, shape, data)
	b.made = append(b.made, p)
	return p
}

func (b *builder) norm(name string) norm {
	n := norm{g: b.param(name+".weight", gain, b.cfg.HiddenSize)}
	if b.layout.layerNorm {
		n.b = b.param(name+".bias", bias, b.cfg.HiddenSize)
	}
	return n
}

func (b *builder) linear(name string, k kind, out, in int, withBias bool) *Linear {
	l := &Linear{Name: name, In: in, Out: out, W: b.param(name+".weight", k, out, in)}
	if withBias {
		l.B = b.param(name+".bias", bias, out)
	}
	return l
}

func (b *builder) block(prefix string) block {
	cfg, ly := b.cfg, b.layout
	c, inner := cfg.HiddenSize, cfg.IntermediateSize
	q, kv := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	var bl block
	bl.attnNorm = b.norm(prefix + ly.attnNorm)
	if ly.fused != "" {
		bl.qkv = []*Linear{b.linear(prefix+ly.fused, matrix, q+2*kv, c, cfg.AttentionBias)}
	} else {
		bl.qkv = []*Linear{
			b.linear(prefix+ly.q, matrix, q, c, cfg.AttentionBias),
			b.linear(prefix+ly.k, matrix, kv, c, cfg.AttentionBias),
			b.linear(prefix+ly.v, matrix, kv, c, cfg.AttentionBias),
		}
	}
	bl.o = b.linear(prefix+ly.o, residual, c, q, cfg.AttentionBias)
	bl.mlpNorm = b.norm(prefix + ly.mlpNorm)
	if ly.gate != "" {
		bl.gate = b.linear(prefix+ly.gate, matrix, inner, c, cfg.MLPBias)
	}
	bl.up = b.linear(prefix+ly.up, matrix, inner, c, cfg.MLPBias)
	bl.down = b.linear(prefix+ly.down, residual, c, inner, cfg.MLPBias)
	return bl
}
