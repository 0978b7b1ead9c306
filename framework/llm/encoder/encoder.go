package encoder

import (
	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Encoder is an encoder with its weights on one engine. Forward passes with
// different tapes may run side by side as long as nothing is trained.
type Encoder struct {
	cfg    Config
	family family
	e      compute.Engine

	embed     *autograd.Param // [V,E]
	positions *autograd.Param // [MaxPositions,E], nil with rotary positions
	types     *autograd.Param // [TypeVocab,E], nil: the family has none
	embedNorm norm
	project   *model.Linear   // E to C; nil where they are equal
	bias      *autograd.Param // [Buckets,Heads], nil: none
	blocks    []block
	finalNorm norm
	pooler    *model.Linear // nil: none
	mlm       *mlmHead      // nil: none

	noBias        *autograd.Param // zeros [C] in place of norm biases; nil where there are biases
	global, local []float32       // rotary frequencies, radians per position

	layers map[string][]float32 // of the folder's label head, for NewClassifier
}

type block struct {
	qkv               []*model.Linear // one fused, or q, k and v
	o                 *model.Linear
	attnNorm, mlpNorm norm
	up, down          *model.Linear
}

// norm is a layer norm; g nil: x as it is, b nil: no bias.
type norm struct{ g, b *autograd.Param }

type mlmHead struct {
	dense   *model.Linear
	norm    norm
	decoder *model.Linear // W is embed when tied
}

// Config is the architecture.
func (m *Encoder) Config() Config { return m.cfg }

// Family is config.json's model_type.
func (m *Encoder) Family() string { return m.cfg.Family }

// Engine is where the weights live.
func (m *Encoder) Engine() compute.Engine { return m.e }

// ContextLength is the longest sequence, in tokens.
func (m *Encoder) ContextLength() int { return m.cfg.ContextLength() }

// Embedding is the token embedding [V,E].
func (m *Encoder) Embedding() *autograd.Param { return m.embed }

// HasPooler says whether the folder had a pooler.
func (m *Encoder) HasPooler() bool { return m.pooler != nil }

// HasMLM says whether the masked-LM head was loaded.
func (m *Encoder) HasMLM() bool { return m.mlm != nil }

// Head is the output layer of the masked-LM head, nil without one. With tied
// embeddings its W is the token embedding's Param itself.
func (m *Encoder) Head() *model.Linear {
	if m.mlm == nil {
		return nil
	}
	return m.mlm.decoder
}

// Linears are the linear layers in the model's order, without the output layer:
// what "all-linear" means in PEFT.
func (m *Encoder) Linears() []*model.Linear {
	var out []*model.Linear
	add := func(ls ...*model.Linear) {
		for _, l := range ls {
			if l != nil {
				out = append(out, l)
			}
		}
	}
	add(m.project)
	for i := range m.blocks {
		b := &m.blocks[i]
		add(b.qkv...)
		add(b.o, b.up, b.down)
	}
	add(m.pooler)
	if m.mlm != nil {
		add(m.mlm.dense)
	}
	return out
}

// Params are the weights in a fixed order, by their Hugging Face names. A tied
// output layer does not appear again; weights replaced by NF4 do not appear.
func (m *Encoder) Params() []*autograd.Param {
	var out []*autograd.Param
	add := func(ps ...*autograd.Param) {
		for _, p := range ps {
			if p != nil {
				out = append(out, p)
			}
		}
	}
	linear := func(l *model.Linear) {
		if l != nil {
			add(l.W, l.B)
		}
	}
	add(m.embed, m.positions, m.types, m.embedNorm.g, m.embedNorm.b)
	linear(m.project)
	for i := range m.blocks {
		b := &m.blocks[i]
		for _, l := range b.qkv {
			linear(l)
		}
		linear(b.o)
		add(b.attnNorm.g, b.attnNorm.b)
		linear(b.up)
		linear(b.down)
		add(b.mlpNorm.g, b.mlpNorm.b)
	}
	add(m.bias, m.finalNorm.g, m.finalNorm.b)
	linear(m.pooler)
	if m.mlm != nil {
		linear(m.mlm.dense)
		add(m.mlm.norm.g, m.mlm.norm.b)
		if m.mlm.decoder.W != m.embed {
			add(m.mlm.decoder.W)
		}
		add(m.mlm.decoder.B)
	}
	return out
}

// ParamCount is the number of weights; those in NF4 count as well, tied ones
// once, adapters not.
func (m *Encoder) ParamCount() int64 {
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
func (m *Encoder) Freeze() {
	for _, p := range m.Params() {
		p.Trainable = false
	}
}

// Free gives the weights' memory back to the engine; the encoder must not be
// used afterwards. NF4 weights and adapters belong to whoever set them.
func (m *Encoder) Free() {
	for _, p := range m.Params() {
		p.Free()
	}
	if m.noBias != nil {
		m.noBias.Free()
	}
}
