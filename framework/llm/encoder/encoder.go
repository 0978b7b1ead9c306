package encoder

import (
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Encoder is an encoder with its weights on one engine. Forward passes with
// different tapes may run side by side as long as nothing is trained.
type Encoder struct {
	model.Weights
	cfg    Config
	family family

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

	layers map[string]filler // of the folder's label head, for NewClassifier
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

// Free gives the weights' memory back to the engine; the encoder must not be
// used afterwards. NF4 weights and adapters belong to whoever set them.
func (m *Encoder) Free() {
	m.Weights.Free()
	if m.noBias != nil {
		m.noBias.Free()
	}
}
