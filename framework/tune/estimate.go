package tune

import (
	"context"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// processBytes is what a plugin's process takes before it has a model.
const processBytes = 80 << 20

// Estimate builds the adapter on the model and makes one step without an
// update: parameters are exact, FLOPs those of that step for every token of
// the run. Memory is an account of the largest buffers, meant to be right
// within a factor of two.
func (m *method) Estimate(_ context.Context, in *sdk.Input) (e spec.Estimate, err error) {
	err = WithMemory(func() error {
		e, err = m.estimate(in)
		return err
	})
	return e, err
}

func (m *method) estimate(in *sdk.Input) (spec.Estimate, error) {
	tr, err := m.prepare(in, nil)
	if err != nil {
		return spec.Estimate{}, err
	}
	if err := tr.plan(); err != nil {
		return spec.Estimate{}, err
	}
	step, err := tr.stepFLOPs()
	if err != nil {
		return spec.Estimate{}, err
	}
	e := spec.Estimate{TotalParams: tr.paramCount(), Steps: int64(tr.total), FLOPs: step * float64(tr.total)}
	for _, p := range tr.params {
		e.TrainableParams += int64(p.Len())
	}
	e.MemoryBytes = tr.memory(e.TotalParams, e.TrainableParams)
	return e, nil
}

// memory counts bytes: the weights, gradients and two moments, and the larger
// of a training batch and of the check of what was saved, which loads a second
// model beside the first and evaluates it.
func (tr *trainer) memory(total, trainable int64) int64 {
	weights := 4 * total
	if w, ok := tr.attached.(Weigher); ok {
		weights = w.WeightBytes()
	}
	micro := float64(tr.perEpoch() * tr.in.Params.Int("accumulation")) // micro-batches in an epoch
	train := 2 * float64(tr.perToken) * float64(tr.train.tokens()) / micro
	eval := float64(tr.perToken * evalTokens)
	if tr.labels == nil { // a block of the output layer's logits
		train += 4 * float64(tr.text.Config().VocabSize) * min(model.LossRows, float64(tr.train.supervised)/micro)
		eval += 2 * logitBytes
	}
	return processBytes + weights + 12*trainable + max(int64(train), 4*total+int64(eval))
}

// activations are the bytes that one token takes on the tape.
func activations(hidden, kv, inner, layers int) int64 {
	return 4 * int64(hidden*2+layers*(9*hidden+3*kv+3*inner))
}

// tokens counts a split's tokens.
func (e *encoded) tokens() (n int) {
	for _, s := range e.seqs {
		n += len(s.ids)
	}
	return n
}
