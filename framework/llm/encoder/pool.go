package encoder

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Poolings: what becomes of the hidden states [N,C] of a batch.
const (
	CLS  = "cls"  // that of each sequence's first token, [S,C]
	Mean = "mean" // their mean over each sequence, [S,C]
)

// Pool pools hidden states [N,C] of packed sequences by CLS or Mean: [S,C].
// Another pooling is an error of the caller and panics.
func Pool(t *autograd.Tape, hidden *autograd.Var, seqLens []int, pooling string) *autograd.Var {
	switch pooling {
	case CLS:
		return t.Rows(hidden, starts(seqLens))
	case Mean:
		return t.SegmentMean(hidden, seqLens)
	}
	panic(&autograd.ShapeError{Op: "encoder: Pool", Reason: fmt.Sprintf("pooling %q is neither %s nor %s", pooling, CLS, Mean)})
}

// Pooled is the folder's pooler: the hyperbolic tangent of a linear layer on
// each sequence's first token; hidden [N,C] gives [S,C]. It panics where
// HasPooler is false.
func (m *Encoder) Pooled(t *autograd.Tape, hidden *autograd.Var, seqLens []int) *autograd.Var {
	if m.pooler == nil {
		panic(&autograd.ShapeError{Op: "encoder: Pooled", Reason: "the folder has no pooler"})
	}
	return t.Tanh(m.pooler.Forward(t, Pool(t, hidden, seqLens, CLS)))
}

// Logits is the masked-LM head: hidden [N,C], or any rows of it, gives [N,V]. It
// panics where HasMLM is false.
func (m *Encoder) Logits(t *autograd.Tape, hidden *autograd.Var) *autograd.Var {
	if m.mlm == nil {
		panic(&autograd.ShapeError{Op: "encoder: Logits", Reason: "the folder has no masked-LM head, or it was left out"})
	}
	h := m.mlm
	x := activate(t, h.dense.Forward(t, hidden), m.cfg.HeadActivation)
	return h.decoder.Forward(t, m.norm(t, x, h.norm))
}
