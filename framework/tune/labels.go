package tune

import (
	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// labeller is a model with its label head.
type labeller interface {
	Engine() compute.Engine
	ContextLength() int
	ParamCount() int64 // of the model that the run was given

	// encode gives the tokens of a text, cut to limit; cut says whether it was.
	encode(text string, limit int) (s sequence, cut bool)
	// logits are the labels' for packed sequences, [sequences, labels].
	logits(t *autograd.Tape, part []sequence) *autograd.Var
}

// lastToken is a decoder with a linear layer on each sequence's last token.
type lastToken struct {
	*model.Model
	tok *tokenizer.Tokenizer
	w   *autograd.Param // [labels, C]
}

func (h lastToken) encode(text string, limit int) (s sequence, cut bool) {
	ids := h.tok.Encode(text, true)
	if cut = len(ids) > limit; cut {
		ids = ids[:limit]
	}
	return sequence{ids: to32(ids)}, cut
}

func (h lastToken) logits(t *autograd.Tape, part []sequence) *autograd.Var {
	b, ends := pack(part)
	return t.Linear(t.Rows(h.Hidden(t, b), ends), t.Param(h.w), nil)
}

// classifier is an encoder with the label head of its family.
type classifier struct {
	*encoder.Encoder
	tok  *tokenizer.Tokenizer
	head *encoder.Classifier
}

// encode cuts a text as tokenizers do: the token that ends it stays.
func (h classifier) encode(text string, limit int) (s sequence, cut bool) {
	x := h.tok.EncodeTyped(text, true)
	cut = len(x.IDs) > limit
	return sequence{ids: to32(encoder.Cut(x.IDs, limit)), types: to32(encoder.Cut(x.Types, limit))}, cut
}

func (h classifier) logits(t *autograd.Tape, part []sequence) *autograd.Var {
	b := packTyped(part)
	return h.head.Logits(t, h.Hidden(t, b), b.SeqLens)
}

func packTyped(part []sequence) (b encoder.Batch) {
	for _, s := range part {
		b.IDs = append(b.IDs, s.ids...)
		b.Types = append(b.Types, s.types...)
		b.SeqLens = append(b.SeqLens, len(s.ids))
	}
	return b
}
