package tune

import (
	"math"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
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
		steps = float64(b.MaxTokens) * per / float64(tr.train.tokens())
	case "flops":
		flops, err := tr.stepFLOPs()
		if err != nil {
			return err
		}
		steps = b.MaxFLOPs / flops
	}
	tr.total = int(math.Ceil(steps))
	if tr.total == 0 {
		return sdk.Fail("params.epochs", "0 epochs are no step of training", "give more than 0; prompting methods train nothing")
	}
	if n := tr.in.Params.Int("max_steps"); n > 0 && n < tr.total {
		tr.total = n
	}
	return nil
}

// stepFLOPs counts a step of mean length by making the first one, without an
// update: what is frozen costs no backward pass, so that no formula holds for
// every method.
func (tr *trainer) stepFLOPs() (float64, error) {
	tokens, flops := tr.tokens, tr.flops
	batch := tr.batch(0)
	micro := min(tr.in.Params.Int("accumulation"), len(batch))
	var err error
	for i := 0; i < micro && err == nil; i++ {
		_, err = tr.forward(batch[i*len(batch)/micro:(i+1)*len(batch)/micro], 1, i)
	}
	optim.ZeroGrad(tr.params)
	made, length := tr.flops-flops, float64(tr.tokens-tokens)
	tr.tokens, tr.flops = tokens, flops
	return made * float64(tr.train.tokens()) / float64(tr.perEpoch()) / length, err
}

// tokens counts a split's tokens.
func (e *encoded) tokens() (n int) {
	for _, s := range e.seqs {
		n += len(s.ids)
	}
	return n
}
