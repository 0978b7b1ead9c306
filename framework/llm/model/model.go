package model

import (
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Model is a decoder with its weights on one engine. Forward passes with
// different tapes may run side by side as long as nothing is trained.
type Model struct {
	Weights
	cfg    checkpoint.Config
	layout layout

	embed     *autograd.Param // [V,E], E the embedding's width: C but in OPT's projected variant
	positions *autograd.Param // [offset+context,C], nil with rotary positions
	in, out   *Linear         // from E to C and back; nil where they are equal
	blocks    []block
	finalNorm norm
	head      *Linear // W is embed when tied
	prefix    *Prefix // nil: none
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

// ContextLength is the longest sequence the model takes, in tokens: its
// positions without those of a prefix.
func (m *Model) ContextLength() int { return m.cfg.MaxPositions - m.prefixLen() }

// Head is the output layer "lm_head". With tied embeddings its W is the token
// embedding's Param itself.
func (m *Model) Head() *Linear { return m.head }

// Embedding is the token embedding [V,C].
func (m *Model) Embedding() *autograd.Param { return m.embed }
