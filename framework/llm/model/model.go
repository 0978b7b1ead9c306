package model

import (
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

	embed     *autograd.Param // [V,E], E the embedding's width: C but in OPT's projected variant
	positions *autograd.Param // [offset+context,C], nil with rotary positions
	in, out   *Linear         // from E to C and back; nil where they are equal
	blocks    []block
	finalNorm norm
	head      *Linear // W is embed when tied
	prefix    *Prefix // nil: none

	stored4 []*autograd.NF4 // weights that the folder holds in NF4
}

type block struct {
	attn, mlp    norms
	qkv          []*Linear // one fused, or q, k and v
	o            *Linear
	qNorm, kNorm norm
	gate         *Linear // nil: not gated
	up, down     *Linear
	rope         *rotary // nil: none
}

// norms are those around a sublayer, as named by around.
type norms struct{ before, inside, after norm }

type norm struct{ g, b *autograd.Param } // g nil: none; b nil: RMSNorm

// Config is the architecture.
func (m *Model) Config() checkpoint.Config { return m.cfg }

// Family is config.json's model_type.
func (m *Model) Family() string { return m.cfg.Family }

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

// Linears are the linear layers in order, without the output layer: what
// "all-linear" means in PEFT and Dettmers et al. 2023 (section 4).
func (m *Model) Linears() []*Linear {
	var out []*Linear
	if m.in != nil {
		out = append(out, m.in)
	}
	for i := range m.blocks {
		out = append(out, m.blocks[i].linears()...)
	}
	if m.out != nil {
		out = append(out, m.out)
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
	norm := func(list ...norm) {
		for _, n := range list {
			add(n.g, n.b)
		}
	}
	linear := func(list ...*Linear) {
		for _, l := range list {
			if l != nil {
				add(l.W, l.B)
			}
		}
	}
	add(m.embed, m.positions)
	linear(m.in)
	for i := range m.blocks {
		b := &m.blocks[i]
		norm(b.attn.before)
		linear(b.qkv...)
		linear(b.o)
		norm(b.qNorm, b.kNorm, b.attn.inside, b.attn.after, b.mlp.before)
		linear(b.gate, b.up, b.down)
		norm(b.mlp.inside, b.mlp.after)
	}
	norm(m.finalNorm)
	linear(m.out)
	if m.cfg.TieEmbeddings {
		add(m.head.B)
	} else {
		linear(m.head)
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
// used afterwards. Adapters, and NF4 weights that the folder did not hold, belong
// to whoever set them.
func (m *Model) Free() {
	for _, p := range m.Params() {
		p.Free()
	}
	freeNF4(m.e, m.stored4)
}
