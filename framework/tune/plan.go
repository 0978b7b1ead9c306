package tune

import (
	"math"

	"github.com/tunelab/tunelab/framework/train/optim"
)

func (tr *trainer) perEpoch() int {
	b := tr.in.Params.Int("batch_size")
	return (len(tr.train.seqs) + b - 1) / b
}

// plan sets the number of steps: as many epochs as asked, or, where the budget
// is matched in tokens or FLOPs, as many as reach it; max_steps ends both.
func (tr *trainer) plan() error {
	per := float64(tr.perEpoch())
	steps := tr.in.Params.Float("epochs") * per
	switch b := tr.in.Spec.Budget; b.Match {
	case "tokens":
		tokens := 0
		for _, s := range tr.train.seqs {
			tokens += len(s.ids)
		}
		steps = float64(b.MaxTokens) * per / float64(tokens)
	case "flops":
		flops, err := tr.stepFLOPs()
		if err != nil {
			return err
		}
		steps = b.MaxFLOPs / flops
	}
	tr.total = int(math.Ceil(steps))
	if n := tr.in.Params.Int("max_steps"); n > 0 && n < tr.total {
		tr.total = n
	}
	return nil
}

// stepFLOPs counts one step by making it, without an update: what is frozen
// costs no backward pass, so that no formula holds for every method.
func (tr *trainer) stepFLOPs() (float64, error) {
	tokens, flops := tr.tokens, tr.flops
	_, err := tr.forward(tr.batch(0), 1, 0)
	optim.ZeroGrad(tr.params)
	made := tr.flops - flops
	tr.tokens, tr.flops = tokens, flops
	return made, err
}
