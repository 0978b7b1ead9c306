package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/rl"
)

// ppoRun improves the policy against the reward model. Its whole state between
// updates is the two trained sets, good, first and at: prompts, sampling and
// mini-batches follow from the seed and the update's number.
type ppoRun struct {
	in  *sdk.Input
	out *sdk.Output
	cfg rl.Config

	tok       *tokenizer.Tokenizer
	policy    *model.Model // trains
	reference *model.Model // the frozen sft model
	reward    *rl.ScalarModel
	value     *rl.ScalarModel // trains, from the reward model
	sets      [2]trained      // of policy and value, what trains

	prompts [][]int // training prompts that leave room for a response
	val     []spec.Example
	length  int // of the longest response
	total   int // updates

	at   progress
	good [][]float32 // the policy at the last rollout within bounds
}

func runPPO(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	r, err := newPPORun(in, out)
	if err != nil {
		return err
	}
	cost := out.Cost()
	for _, s := range r.sets {
		for _, w := range s.params {
			cost.TrainableParams += int64(w.Len())
		}
	}
	if in.Checkpoint != "" {
		err = r.resume()
	} else {
		err = r.samples(ctx, 0)
	}
	if err != nil {
		return err
	}
	err = r.run(ctx)
	cost.TrainTokens, cost.GeneratedTokens, cost.FLOPs = r.at.Tokens, r.at.Generated, r.at.FLOPs
	if err != nil {
		return err
	}
	if err := saveModel(r.policy, r.tok, out.ArtifactDir()); err != nil {
		return err
	}
	return r.verify()
}

func newPPORun(in *sdk.Input, out *sdk.Output) (*ppoRun, error) {
	r := &ppoRun{in: in, out: out, cfg: ppoConfig(in.Params), length: responseLength(in), total: ppoUpdates(in.Params)}
	sft, err := input(in, stageSFT)
	if err != nil {
		return nil, err
	}
	scorer, err := input(in, stageReward)
	if err != nil {
		return nil, err
	}
	train, val, err := examples(in)
	if err != nil {
		return nil, err
	}
	r.val = val[:min(len(val), in.Params.Int("ppo_samples"))]
	e, err := openEngine(in)
	if err != nil {
		return nil, err
	}
	if r.tok, err = tokenizer.Load(in.ModelDir); err != nil {
		return nil, err
	}
	if r.policy, err = model.Load(filepath.Join(sft, modelDir), e, model.Options{}); err != nil {
		return nil, fmt.Errorf("load the sft model: %w", err)
	}
	if r.reference, err = model.Load(filepath.Join(sft, modelDir), e, model.Options{Frozen: true}); err != nil {
		return nil, fmt.Errorf("load the sft model: %w", err)
	}
	if r.reward, err = rl.LoadScalarModel(scorer, e); err != nil {
		return nil, err
	}
	if r.value, err = rl.LoadScalarModel(scorer, e); err != nil {
		return nil, err
	}
	trains := policyParams(r.policy, in.Params.String("ppo_trainable"))
	r.sets[0] = trained{"policy", trains, optim.NewAdamW(trains, optim.Config{})}
	r.sets[1] = trained{"value", r.value.Params(), optim.NewAdamW(r.value.Params(), optim.Config{})}
	return r, r.encodePrompts(train)
}

// encodePrompts keeps the prompts that leave room for a whole response.
func (r *ppoRun) encodePrompts(train []spec.Example) error {
	room := r.policy.ContextLength() - r.length
	for _, e := range train {
		if ids := r.tok.Encode(e.Prompt, true); len(ids) > 0 && len(ids) <= room {
			r.prompts = append(r.prompts, ids)
		}
	}
	if len(r.prompts) == 0 {
		return sdk.Fail("params.ppo_response_length", fmt.Sprintf("no prompt leaves room for %d tokens in the model's context of %d", r.length, r.policy.ContextLength()), "lower it, or shorten the prompts")
	}
	if n := len(train) - len(r.prompts); n > 0 {
		r.out.Log("warning", fmt.Sprintf("%d of %d prompts leave no room for a response of %d tokens and are not used", n, len(train), r.length))
	}
	return nil
}

// run makes the updates. The last rollout is not learned from: it measures
// the policy that is kept.
func (r *ppoRun) run(ctx context.Context) error {
	p := r.in.Params
	schedule := optim.Schedule{Kind: p.String("ppo_schedule"), Peak: p.Float("ppo_learning_rate"), Total: r.total}
	if err := schedule.Validate(); err != nil {
		return sdk.Fail("params.ppo_schedule", err.Error(), "choose constant, linear or cosine")
	}
	for {
		select {
		case <-r.out.Stopping():
			if err := r.checkpoint(); err != nil {
				return err
			}
			return sdk.ErrStopped
		default:
		}
		roll, err := r.rollout(ctx, r.at.Step)
		if err != nil {
			return err
		}
		targets, err := r.cfg.Targets(roll.Rollout)
		if err != nil {
			return err
		}
		r.objective(roll, targets.Objective)
		if r.outOfBounds(targets.Objective) {
			return r.samples(ctx, r.at.Step+1)
		}
		r.keep()
		if r.at.Step >= r.total {
			return nil
		}
		if err := r.update(roll, targets, schedule.Rate(r.at.Step)); err != nil {
			return err
		}
		if r.at.Step == 1 {
			if err := r.checkGradients(); err != nil {
				return err
			}
		}
		if spent(r.in.Spec.Budget, r.at) && r.at.Step < r.total {
			r.out.Log("info", fmt.Sprintf("the budget ended training after %d of %d updates", r.at.Step, r.total))
			r.total, r.at.Done = r.at.Step, true
		}
		if r.at.Step%p.Int("ppo_sample_every") == 0 || r.at.Step == r.total {
			if err := r.samples(ctx, r.at.Step); err != nil {
				return err
			}
		}
		if r.at.Step%p.Int("ppo_checkpoint_every") == 0 && r.at.Step < r.total {
			if err := r.checkpoint(); err != nil {
				return err
			}
		}
	}
}
