package main

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/rl"
	"github.com/tunelab/tunelab/framework/tune"
)

// The stages of the chain. Each is a run of its own, given the results of
// those before it.
const (
	stageSFT    = "sft"
	stageReward = "reward"
	stagePPO    = "ppo"
)

// modelDir is the folder of a whole model within a stage's result.
const modelDir = "model"

// rlhf is the method of Ouyang et al. 2022, section 3: tune on the chosen
// responses, fit a reward model to the preferences, and improve its reward by
// PPO with a KL penalty against the first stage's model.
type rlhf struct{}

func (rlhf) Describe() spec.Method {
	return spec.Method{
		Name: "rlhf", Version: "0.1.0", Family: "alignment",
		Summary:     "reinforcement learning from human feedback: sft, a reward model on preference pairs, PPO against the frozen sft model",
		Citation:    "Ouyang et al. 2022, Training language models to follow instructions with human feedback, section 3; Schulman et al. 2017, Proximal Policy Optimization Algorithms",
		Tasks:       []string{spec.Preference},
		Engines:     compute.Engines(),
		Modes:       []string{spec.ModeGenerate, spec.ModeChoices, spec.ModeLogprobs, spec.ModeReward},
		Supervision: []string{"preferences"},
		Stages:      []string{stageSFT, stageReward, stagePPO},
		Trains:      true, Resume: true,
	}
}

func (rlhf) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	return tune.WithMemory(func() error {
		switch in.Spec.Stage {
		case stageSFT:
			return runSFT(ctx, in, out)
		case stageReward:
			return runReward(in, out)
		case stagePPO:
			return runPPO(ctx, in, out)
		}
		return unknownStage(in.Spec.Stage)
	})
}

func unknownStage(name string) error {
	return sdk.Fail("stage", fmt.Sprintf("%q is not a stage of rlhf", name), "run the chain: sft, reward, ppo")
}

// input is the folder of an earlier stage's result.
func input(in *sdk.Input, stage string) (string, error) {
	dir := in.Inputs[stage]
	if dir == "" {
		return "", sdk.Fail("inputs."+stage, fmt.Sprintf("stage %s needs the result of stage %s", in.Spec.Stage, stage), "run the chain: sft, reward, ppo")
	}
	return dir, nil
}

// examples reads the two splits, each example with both responses.
func examples(in *sdk.Input) (train, val []spec.Example, err error) {
	if train, err = sdk.ReadExamples(in.Train); err != nil {
		return nil, nil, err
	}
	if val, err = sdk.ReadExamples(in.Validation); err != nil {
		return nil, nil, err
	}
	if len(train) == 0 {
		return nil, nil, sdk.Fail("task.data", "the training split is empty", "give preference pairs to train on")
	}
	for _, list := range [][]spec.Example{train, val} {
		for _, e := range list {
			if e.Chosen == "" || e.Rejected == "" {
				return nil, nil, sdk.Fail("task.chosen", fmt.Sprintf("example %s lacks a chosen or a rejected response", e.ID), "give both fields of every pair; check the task's chosen and rejected templates")
			}
		}
	}
	return train, val, nil
}

// Estimate counts the FLOPs of forward and backward passes: 2 and 4 per
// parameter and token (Kaplan et al. 2020, section 2.1).
func (rlhf) Estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	if in.Spec.Stage == stageSFT {
		sub, err := sftInput(in)
		if err != nil {
			return spec.Estimate{}, err
		}
		return sftMethod().Estimate(ctx, sub)
	}
	if in.Spec.Stage != stageReward && in.Spec.Stage != stagePPO {
		return spec.Estimate{}, unknownStage(in.Spec.Stage)
	}
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return spec.Estimate{}, err
	}
	train, _, err := examples(in)
	if err != nil {
		return spec.Estimate{}, err
	}
	scalar, width := scalarParams(lm.Model), int64(lm.Model.Config().HiddenSize*(16+24*lm.Model.Config().Layers))
	if in.Spec.Stage == stageReward {
		return estimateReward(in, lm.Tok, train, scalar, width), nil
	}
	return estimatePPO(in, lm, train, scalar, width), nil
}

// scalarParams counts what trains of a model with a scalar head.
func scalarParams(m *model.Model) int64 {
	n := int64(0)
	for _, p := range rl.NewScalarModel(m, spec.Stream(0, spec.StreamInit)).Params() {
		n += int64(p.Len())
	}
	return n
}

func estimateReward(in *sdk.Input, tok *tokenizer.Tokenizer, train []spec.Example, n, width int64) spec.Estimate {
	tokens := int64(0)
	for _, e := range train {
		tokens += int64(len(tok.Encode(e.Prompt+e.Chosen, true)) + len(tok.Encode(e.Prompt+e.Rejected, true)) + 2)
	}
	b := in.Params.Int("reward_batch_size")
	perBatch := tokens * int64(b) / int64(max(len(train), b))
	return spec.Estimate{TrainableParams: n, TotalParams: n, Steps: int64(rewardSteps(in.Params, len(train))),
		FLOPs: 6 * float64(n) * float64(tokens) * in.Params.Float("reward_epochs"), MemoryBytes: 16*n + 4*perBatch*width}
}

// estimatePPO has four models: policy and value train, reference and reward
// model are frozen. Responses are taken to fill their length.
func estimatePPO(in *sdk.Input, lm *tune.LM, train []spec.Example, scalar, width int64) spec.Estimate {
	p, n, trainable := in.Params, lm.Model.ParamCount(), scalar
	for _, w := range policyParams(lm.Model, p.String("ppo_trainable")) {
		trainable += int64(w.Len())
	}
	prompt := 0
	for _, e := range train {
		prompt += len(lm.Tok.Encode(e.Prompt, true))
	}
	length := int64(prompt/len(train) + responseLength(in))
	batch, updates := int64(p.Int("ppo_batch_size")), int64(ppoUpdates(p))
	perUpdate := float64(n) * float64(batch*length) * (2*5 + 6*2*float64(p.Int("ppo_epochs")))
	return spec.Estimate{TrainableParams: trainable, TotalParams: 2 * (n + scalar), Steps: updates, FLOPs: perUpdate * float64(updates),
		MemoryBytes: 4*2*(n+scalar) + 12*trainable + 2*4*batch*length*width/int64(max(p.Int("ppo_num_mini_batches"), 1))}
}
