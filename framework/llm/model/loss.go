package model

import "github.com/tunelab/tunelab/framework/train/autograd"

// LossRows is how many rows of logits exist at a time: as many as one chain of
// additions in the matrix products holds (compute.Gemm), so that the gradients
// have the bits of the whole product.
const LossRows = 384

// Loss is the cross-entropy sum_i weights[i] nll[i] of the tokens targets [N]
// after the hidden states hidden [N,C], in nats, and the number of targets that
// the model ranks first. A negative target is left out. The logits never exist
// whole: Logits runs on blocks of rows.
func (m *Model) Loss(t *autograd.Tape, hidden *autograd.Var, targets []int32, weights []float32) (loss *autograd.Var, hits int) {
	loss = t.SumBlocks(hidden, LossRows, func(t *autograd.Tape, h *autograd.Var, lo, hi int) *autograd.Var {
		l, n := t.FinalLoss(m.Logits(t, h), targets[lo:hi], weights[lo:hi])
		hits += n
		return l
	})
	return loss, hits
}

// NextTokenLoss is the mean cross-entropy, in nats, of each sequence's tokens
// from the second on.
func (m *Model) NextTokenLoss(t *autograd.Tape, b Batch) *autograd.Var {
	var rows, targets []int32
	at := 0
	for _, n := range b.SeqLens {
		for i := at; i < at+n-1; i++ {
			rows, targets = append(rows, int32(i)), append(targets, b.IDs[i+1])
		}
		at += n
	}
	weights := make([]float32, len(targets))
	for i := range weights {
		weights[i] = 1 / float32(len(targets))
	}
	loss, _ := m.Loss(t, t.Rows(m.Hidden(t, b), rows), targets, weights)
	return loss
}
