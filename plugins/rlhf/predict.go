package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/rl"
	"github.com/tunelab/tunelab/framework/tune"
)

// openEngine opens the engine that the run names.
func openEngine(in *sdk.Input) (compute.Engine, error) {
	c := in.Spec.Compute
	return compute.OpenPrecise(c.Engine, c.Precision, c.Threads)
}

// Predictor loads a stage's result. Rewards come from the reward stage's
// model, which the ppo stage has among its inputs; everything else from the
// language model of the sft or the ppo stage.
func (rlhf) Predictor(_ context.Context, in *sdk.Input) (sdk.Predictor, error) {
	e, err := openEngine(in)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(in.ModelDir)
	if err != nil {
		return nil, err
	}
	p := &predictor{in: in, tok: tok}
	scorer := in.Inputs[stageReward]
	switch in.Spec.Stage {
	case stageReward:
		scorer = in.Artifacts
	case stageSFT, stagePPO:
		m, err := model.Load(filepath.Join(in.Artifacts, modelDir), e, model.Options{Frozen: true})
		if err != nil {
			return nil, fmt.Errorf("load the tuned model: %w", err)
		}
		p.text = &tune.Predictor{LM: &tune.LM{Model: m, Tok: tok}, Task: in.Spec.Task, Seed: in.Spec.Seed}
	default:
		return nil, unknownStage(in.Spec.Stage)
	}
	if scorer != "" {
		if p.reward, err = rl.LoadScalarModel(scorer, e); err != nil {
			return nil, err
		}
	}
	return p, nil
}

type predictor struct {
	in     *sdk.Input
	tok    *tokenizer.Tokenizer
	text   *tune.Predictor
	reward *rl.ScalarModel
}

func (p *predictor) Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	if mode == spec.ModeReward && p.reward != nil {
		return p.rewards(ctx, items, emit)
	}
	if mode == spec.ModeReward || p.text == nil {
		return fmt.Errorf("stage %s of rlhf does not answer mode %q", p.in.Spec.Stage, mode)
	}
	return p.text.Predict(ctx, mode, items, emit)
}

func (p *predictor) Close() error { return nil }

// rewards scores responses one chunk after the other.
func (p *predictor) rewards(ctx context.Context, items []spec.Item, emit func(spec.Prediction) error) error {
	maxLen := rewardLength(p.in, p.reward.Model)
	const chunk = 64
	for lo := 0; lo < len(items); lo += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := items[lo:min(lo+chunk, len(items))]
		seqs := make([][]int, len(part))
		for i, it := range part {
			ids, _, ok := encodeResponse(p.tok, p.in.Spec.Task, it.Prompt, it.Response, maxLen)
			if !ok {
				return fmt.Errorf("item %s: its response does not fit %d tokens; raise reward_max_length or shorten it", it.ID, maxLen)
			}
			seqs[i] = ids
		}
		scores, flops, err := p.reward.Scores(seqs)
		if err != nil {
			return err
		}
		for i, it := range part {
			pr := spec.Prediction{ID: it.ID, Scores: scores[i : i+1], PromptTokens: len(seqs[i]), FLOPs: flops / float64(len(part))}
			if err := emit(pr); err != nil {
				return err
			}
		}
	}
	return nil
}
