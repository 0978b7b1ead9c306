package tune

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// trainer runs the optimisation of one run. Its whole state between steps is
// params, opt and step: the data order and dropout follow from the seed and
// the step, so a resumed run goes on bit for bit.
type trainer struct {
	in  *sdk.Input
	out *sdk.Output
	objective
	perToken int64 // bytes that a token's activations take in training, roughly
	params   []*autograd.Param
	opt      *optim.AdamW
	train    *encoded
	val      *encoded
	attached Attached
	maxLen   int
	step     int
	total    int

	epoch   int   // whose order shuffle holds
	shuffle []int // nil before the first step

	tokens int64
	flops  float64
	hits   int // completion: supervised tokens of this step that the model ranked first
}

// silentAfter is the number of steps after which a trainable tensor that never
// had a gradient fails the run: it would train nothing while the loss looks
// fine (adapters not on the path, gradients cut). Fewer steps prove nothing:
// warm-up begins at rate 0, and LoRA's A has no gradient while B is 0.
const silentAfter = 5

func (tr *trainer) run() error {
	p := tr.in.Params
	every := p.Int("eval_every")
	if every == 0 {
		every = tr.perEpoch()
	}
	schedule := optim.Schedule{Kind: p.String("schedule"), Peak: p.Float("learning_rate"), Total: tr.total}
	if w := p.Float("warmup"); w < 1 {
		schedule.WarmupRatio = w
	} else if w != math.Trunc(w) {
		return sdk.Fail("params.warmup", fmt.Sprintf("%g is neither a share of the steps nor a number of steps", w), "give a value below 1, or a whole number")
	} else {
		schedule.WarmupSteps = int(w)
	}
	if err := schedule.Validate(); err != nil {
		return sdk.Fail("params.schedule", err.Error(), "choose constant, linear or cosine, and at least one step")
	}
	budget := tr.in.Spec.Budget
	for tr.step < tr.total {
		select {
		case <-tr.out.Stopping():
			return tr.stop()
		default:
		}
		lr := schedule.Rate(tr.step)
		loss, norm, accuracy, err := tr.stepOnce(lr)
		if err != nil {
			return err
		}
		if bad := loss + norm; math.IsNaN(bad) || math.IsInf(bad, 0) {
			return sdk.Fail("params.learning_rate", fmt.Sprintf("at step %d the training loss is %v and the gradient norm %v", tr.step+1, loss, norm), "lower the learning rate or raise warmup")
		}
		tr.step++
		at := int64(tr.step)
		tr.out.Metric("train/loss", at, loss)
		tr.out.Metric("train/grad_norm", at, norm)
		tr.out.Metric("train/lr", at, lr)
		tr.out.Metric("train/num_tokens", at, float64(tr.tokens))
		if tr.labels == nil {
			tr.out.Metric("train/mean_token_accuracy", at, accuracy)
		}
		tr.out.Progress(at, int64(tr.total), "train")
		if tr.step == silentAfter {
			if err := tr.checkGradients(); err != nil {
				return err
			}
		}
		if budget.MaxTokens > 0 && tr.tokens >= budget.MaxTokens || budget.MaxFLOPs > 0 && tr.flops >= budget.MaxFLOPs {
			tr.out.Log("info", fmt.Sprintf("the budget ended training after %d of %d steps (%d tokens, %.3g FLOPs)", tr.step, tr.total, tr.tokens, tr.flops))
			tr.total = tr.step
		}
		if tr.step%every == 0 || tr.step == tr.total {
			if err := tr.evaluate(); err != nil {
				return err
			}
			if tr.step < tr.total {
				if err := tr.checkpoint(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (tr *trainer) stop() error {
	if err := tr.checkpoint(); err != nil {
		return err
	}
	return sdk.ErrStopped
}

// order is the permutation of the training examples in an epoch.
func (tr *trainer) order(epoch int) []int {
	if tr.shuffle == nil || tr.epoch != epoch {
		tr.epoch = epoch
		tr.shuffle = spec.Stream(tr.in.Spec.Seed, fmt.Sprintf("%s/%d", spec.StreamData, epoch)).Perm(len(tr.train.seqs))
	}
	return tr.shuffle
}

// batch gives the examples of a step.
func (tr *trainer) batch(step int) []sequence {
	b, per := tr.in.Params.Int("batch_size"), tr.perEpoch()
	order := tr.order(step / per)
	lo := (step % per) * b
	hi := min(lo+b, len(order))
	out := make([]sequence, 0, hi-lo)
	for _, i := range order[lo:hi] {
		out = append(out, tr.train.seqs[i])
	}
	return out
}

// stepOnce makes one optimiser step and returns the mean loss over the whole
// step's supervised tokens, the gradient norm before clipping and, for a
// completion objective, the share of supervised tokens ranked first.
func (tr *trainer) stepOnce(lr float64) (loss, norm, accuracy float64, err error) {
	batch := tr.batch(tr.step)
	count := supervised(batch, tr.labels != nil)
	if count == 0 {
		return 0, 0, 0, fmt.Errorf("step %d has no supervised token: every completion of its batch is empty; check the task's answer template", tr.step)
	}
	tr.hits = 0
	micro := min(tr.in.Params.Int("accumulation"), len(batch))
	for i := range micro {
		part := batch[i*len(batch)/micro : (i+1)*len(batch)/micro]
		l, err := tr.forward(part, 1/float32(count), i)
		if err != nil {
			return 0, 0, 0, err
		}
		loss += l
	}
	if norm, err = optim.ClipGradNorm(tr.params, tr.in.Params.Float("max_grad_norm")); err != nil {
		return 0, 0, 0, err
	}
	if err := tr.opt.Step(lr, 1); err != nil {
		return 0, 0, 0, err
	}
	optim.ZeroGrad(tr.params)
	return loss, norm, float64(tr.hits) / float64(count), nil
}

func supervised(batch []sequence, classify bool) int {
	if classify {
		return len(batch)
	}
	n := 0
	for _, s := range batch {
		for _, t := range s.targets {
			if t >= 0 {
				n++
			}
		}
	}
	return n
}

// forward runs one micro-batch forward and backward; each supervised token
// weighs weight, so that gradients of micro-batches add up to the big batch's.
func (tr *trainer) forward(part []sequence, weight float32, micro int) (loss float64, err error) {
	t := autograd.NewTape(tr.engine(), true)
	defer t.Release()
	if d, ok := tr.attached.(Dropper); ok {
		d.DropoutKey(dropoutKey(tr.in.Spec.Seed, tr.step, micro))
	}
	err = autograd.Catch(func() {
		l, hits := tr.loss(t, part, weight)
		tr.hits += hits
		t.Backward(l)
		loss = float64(l.Scalar())
	})
	for _, s := range part {
		tr.tokens += int64(len(s.ids))
	}
	tr.flops += float64(t.FLOPs())
	return loss, err
}

// evaluate logs the validation loss, and the accuracy of a classifier or of
// the supervised tokens.
func (tr *trainer) evaluate() error {
	if len(tr.val.seqs) == 0 {
		return nil
	}
	q, err := tr.objective.evaluate(tr.val)
	if err != nil {
		return err
	}
	tr.out.Metric("eval/loss", int64(tr.step), q.loss)
	if tr.labels != nil {
		tr.out.Metric("eval/accuracy", int64(tr.step), q.accuracy)
	} else {
		tr.out.Metric("eval/mean_token_accuracy", int64(tr.step), q.accuracy)
		tr.out.Metric("eval/entropy", int64(tr.step), q.entropy)
	}
	return nil
}

// checkGradients fails a run that trains nothing while its loss looks fine.
func (tr *trainer) checkGradients() error {
	if tr.in.Params.Float("learning_rate") == 0 { // then LoRA's B stays 0, and A gets no gradient
		return nil
	}
	if idle := tr.opt.Idle(); len(idle) > 0 {
		return sdk.Fail("params", fmt.Sprintf("trainable tensor %s has had no gradient in %d steps: it does not take part in the loss", idle[0], tr.step),
			"check that the adapter's modules are on the model's path")
	}
	return nil
}
