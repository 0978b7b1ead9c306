package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/rl"
	"github.com/tunelab/tunelab/framework/tune"
)

// innerStep is what one optimiser step tells.
type innerStep struct {
	*rl.Loss
	entropy, norm float64
}

// update makes the inner steps over one rollout and logs the means of their
// statistics, as TRL does.
func (r *ppoRun) update(roll *rollout, targets *rl.Targets, lr float64) error {
	var steps []innerStep
	for epoch := range r.in.Params.Int("ppo_epochs") {
		parts := roll.first
		if epoch > 0 {
			parts = r.minibatches(r.at.Step, epoch)
		}
		for _, part := range parts {
			s, err := r.inner(roll, targets, part, lr, len(steps) == 0)
			if err != nil {
				return fmt.Errorf("update %d: %w", r.at.Step+1, err)
			}
			steps = append(steps, s)
		}
	}
	r.at.Step++
	mean := func(of func(innerStep) float64) float64 {
		sum := 0.0
		for _, s := range steps {
			sum += of(s)
		}
		return sum / float64(len(steps))
	}
	ratio, variance := mean(func(s innerStep) float64 { return s.Ratio }), 0.0
	for _, s := range steps {
		variance += (s.Ratio - ratio) * (s.Ratio - ratio)
	}
	if len(steps) > 1 {
		variance /= float64(len(steps) - 1)
	}
	at := int64(r.at.Step)
	for _, m := range []struct {
		name  string
		value float64
	}{
		{"policy/approxkl_avg", mean(func(s innerStep) float64 { return s.ApproxKL })},
		{"policy/clipfrac_avg", mean(func(s innerStep) float64 { return s.PolicyClipFrac })},
		{"policy/entropy_avg", mean(func(s innerStep) float64 { return s.entropy })},
		{"loss/policy_avg", mean(func(s innerStep) float64 { return s.Policy })},
		{"loss/value_avg", mean(func(s innerStep) float64 { return s.Value })},
		{"val/clipfrac_avg", mean(func(s innerStep) float64 { return s.ValueClipFrac })},
		{"val/ratio", ratio}, {"val/ratio_var", variance}, {"lr", lr}, {"episode", float64(r.at.Step * len(roll.seqs))},
		{"train/grad_norm", mean(func(s innerStep) float64 { return s.norm })}, {"train/num_tokens", float64(r.at.Tokens)},
	} {
		r.out.Metric(m.name, at, m.value)
	}
	r.out.Progress(at, int64(r.total), "ppo")
	return nil
}

// inner makes one optimiser step on some episodes. Before the first one of an
// update the ratio must be exactly 1.
func (r *ppoRun) inner(roll *rollout, targets *rl.Targets, part []int, lr float64, first bool) (s innerStep, err error) {
	e := r.policy.Engine()
	pt, vt := autograd.NewTape(e, true), autograd.NewTape(e, true)
	defer pt.Release()
	defer vt.Release()
	var failed error
	err = autograd.Catch(func() {
		logp, entropy := r.logProbs(pt, r.policy, roll, part)
		values := r.values(vt, roll, part)
		m := roll.minibatch(targets, part, logp.Value(), values.Value())
		if first {
			if failed = sameLogProbs(m); failed != nil {
				return
			}
		}
		if s.Loss, failed = r.cfg.Loss(m); failed != nil {
			return
		}
		for _, v := range entropy.Value() {
			s.entropy += float64(v) / float64(entropy.Len())
		}
		pt.BackwardWith([]*autograd.Var{logp}, [][]float32{roll.gather(s.DLogProbs, part, 0)})
		vt.BackwardWith([]*autograd.Var{values}, [][]float32{roll.gather(s.DValues, part, 1)})
	})
	r.at.FLOPs += float64(pt.FLOPs() + vt.FLOPs())
	if err := errors.Join(err, failed); err != nil {
		return s, err
	}
	if math.IsNaN(s.Total) || math.IsInf(s.Total, 0) {
		return s, sdk.Fail("params.ppo_learning_rate", fmt.Sprintf("the loss became %v", s.Total), "lower the learning rate")
	}
	for _, i := range part {
		r.at.Tokens += int64(len(roll.seqs[i]))
	}
	all := append(r.sets[0].params[:len(r.sets[0].params):len(r.sets[0].params)], r.sets[1].params...)
	if s.norm, err = optim.ClipGradNorm(all, r.in.Params.Float("ppo_max_grad_norm")); err != nil {
		return s, err
	}
	for _, set := range r.sets {
		if err := set.opt.Step(lr, 1); err != nil {
			return s, err
		}
	}
	optim.ZeroGrad(all)
	return s, nil
}

// minibatch picks the rows of some episodes; the new numbers come in the
// order of pack.
func (o *rollout) minibatch(targets *rl.Targets, part []int, logp, values []float32) rl.Minibatch {
	var m rl.Minibatch
	newLP, newV := dense(len(o.seqs), len(o.LogProbs[0])), dense(len(o.seqs), len(o.LogProbs[0]))
	o.scatter(newLP, part, 0, logp)
	o.scatter(newV, part, 1, values)
	for _, i := range part {
		m.LogProbs, m.NewLogProbs = append(m.LogProbs, o.LogProbs[i]), append(m.NewLogProbs, newLP[i])
		m.Values, m.NewValues = append(m.Values, o.Values[i]), append(m.NewValues, newV[i])
		m.Advantages, m.Returns = append(m.Advantages, targets.Advantages[i]), append(m.Returns, targets.Returns[i])
		m.Last = append(m.Last, o.Last[i])
	}
	return m
}

// sameLogProbs is the assertion that old and new log-probabilities, and so the
// ratio 1, agree to the bit.
func sameLogProbs(m rl.Minibatch) error {
	for i, row := range m.NewLogProbs {
		for j, v := range row {
			if ratio := math.Exp(v - m.LogProbs[i][j]); ratio != 1 {
				return fmt.Errorf("the ratio of token %d of response %d is %v before the first inner step, it must be 1: old and new log-probabilities come from different computations", j, i, ratio)
			}
		}
	}
	return nil
}

// samples answers validation prompts greedily, as the host will ask, and
// streams the responses under a step.
func (r *ppoRun) samples(ctx context.Context, step int) error {
	if len(r.val) == 0 {
		return nil
	}
	lm := &tune.LM{Model: r.policy, Tok: r.tok}
	var kept []int
	var prompts []string
	for i, e := range r.val {
		if lm.Tokens(e.Prompt) <= lm.Room(1) {
			kept, prompts = append(kept, i), append(prompts, e.Prompt)
		}
	}
	o := tune.GenerateOptions{MaxNew: r.in.Spec.Task.MaxNew, Stop: r.in.Spec.Task.Stop, Seed: r.in.Spec.Seed}
	return lm.Generate(ctx, prompts, o, func(i int, s []generate.Result) error {
		e := r.val[kept[i]]
		r.out.Sample(int64(step), e.ID, e.Prompt, s[0].Text)
		r.at.Generated += int64(len(s[0].IDs))
		r.at.FLOPs += s[0].FLOPs
		return nil
	})
}
