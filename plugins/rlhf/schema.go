package main

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/rl"
	"github.com/tunelab/tunelab/framework/tune"
)

// Schema lists the parameters of all stages, each stage's under its prefix.
func (rlhf) Schema() spec.Schema {
	var all []spec.Param
	for _, stage := range [][]spec.Param{sftParams(), rewardParams(), ppoParams()} {
		all = append(all, stage...)
	}
	return spec.Schema{Params: all}
}

// sftDefaults replace the harness' own: the stages that follow need a model
// that has not learned its training responses by heart.
var sftDefaults = map[string]any{"epochs": 3.0, "learning_rate": 3e-4}

// sftParams are the harness' training parameters, for completions only.
func sftParams() []spec.Param {
	var out []spec.Param
	for _, p := range tune.TrainingSchema().Params {
		if p.Name == "objective" {
			continue
		}
		if v, ok := sftDefaults[p.Name]; ok {
			p.Default = v
		}
		p.Name, p.Description = "sft_"+p.Name, "sft: "+p.Description
		out = append(out, p)
	}
	return out
}

func rewardParams() []spec.Param {
	at := spec.At
	return []spec.Param{
		{Name: "reward_epochs", Type: "float", Default: 3.0, Min: at(0), Max: at(100), Description: "reward: passes over the pairs; more than a few overfit", Source: "Ouyang et al. 2022, appendix C.2 (one epoch)"},
		{Name: "reward_learning_rate", Type: "float", Default: 1e-3, Min: at(0), Max: at(10), Description: "reward: peak learning rate of AdamW; small models take more than TRL's 1e-4", Source: "TRL RewardConfig"},
		{Name: "reward_batch_size", Type: "int", Default: 8, Min: at(1), Max: at(65536), Unit: "pairs", Description: "reward: pairs in an optimiser step", Source: "TRL RewardConfig"},
		{Name: "reward_schedule", Type: "string", Default: "linear", Choices: []string{"constant", "linear", "cosine"}, Description: "reward: learning-rate decay after the warm-up", Source: "transformers get_scheduler"},
		{Name: "reward_warmup", Type: "float", Default: 0.06, Min: at(0), Max: at(1), Description: "reward: warm-up as a share of all steps", Source: "transformers TrainingArguments, warmup_ratio"},
		{Name: "reward_weight_decay", Type: "float", Default: 0.0, Min: at(0), Max: at(1), Description: "reward: decoupled weight decay", Source: "Loshchilov and Hutter 2019, section 2"},
		{Name: "reward_max_grad_norm", Type: "float", Default: 1.0, Min: at(0), Description: "reward: gradients are scaled down to this global norm; 0: never", Source: "Pascanu et al. 2013, section 3.2"},
		{Name: "reward_max_length", Type: "int", Default: 0, Min: at(0), Unit: "tokens", Description: "reward: longer texts lose the front of their prompt; 0: the task's, else the model's context", Source: "TRL RewardConfig, max_length"},
		{Name: "reward_center", Type: "float", Default: 0.01, Min: at(0), Max: at(10), Description: "reward: coefficient of the mean of (chosen + rejected)^2, which keeps rewards around 0", Source: "Eisenstein et al. 2023; TRL center_rewards_coefficient"},
		{Name: "reward_eval_every", Type: "int", Default: 0, Min: at(0), Unit: "steps", Description: "reward: evaluates and checkpoints every so many steps; 0: once an epoch", Source: "transformers TrainingArguments, eval_steps"},
	}
}

func ppoParams() []spec.Param {
	d, at := rl.DefaultConfig(), spec.At
	const trl = "TRL 1.12 PPOConfig"
	return []spec.Param{
		{Name: "ppo_total_episodes", Type: "int", Default: 1024, Min: at(1), Unit: "episodes", Description: "ppo: responses generated and learned from in all", Source: trl},
		{Name: "ppo_batch_size", Type: "int", Default: 64, Min: at(2), Max: at(65536), Unit: "episodes", Description: "ppo: responses of one update", Source: trl},
		{Name: "ppo_num_mini_batches", Type: "int", Default: 2, Min: at(1), Max: at(65536), Description: "ppo: optimiser steps that an inner epoch is divided into", Source: trl + " (1)"},
		{Name: "ppo_epochs", Type: "int", Default: 2, Min: at(1), Max: at(100), Description: "ppo: inner epochs over the responses of an update", Source: trl + ", num_ppo_epochs (4)"},
		{Name: "ppo_trainable", Type: "string", Default: trainQueryKey, Choices: []string{trainQueryKey, trainAll}, Description: "ppo: which weights of the policy train: the projections to queries and keys, or all; with few prompts, all of them learn the prompts' topics by heart and the reward on others falls"},
		{Name: "ppo_learning_rate", Type: "float", Default: 5e-4, Min: at(0), Max: at(10), Description: "ppo: learning rate of policy and value function; TRL's 3e-6 is for models of billions of parameters", Source: trl},
		{Name: "ppo_schedule", Type: "string", Default: "linear", Choices: []string{"constant", "linear", "cosine"}, Description: "ppo: learning-rate decay over the updates", Source: "transformers get_scheduler"},
		{Name: "ppo_max_grad_norm", Type: "float", Default: 1.0, Min: at(0), Description: "ppo: gradients of policy and value function together are scaled down to this norm; 0: never", Source: "Pascanu et al. 2013, section 3.2"},
		{Name: "ppo_kl_coef", Type: "float", Default: d.KLCoef, Min: at(0), Max: at(100), Description: "ppo: coefficient of the KL penalty against the sft model", Source: trl},
		{Name: "ppo_kl_estimator", Type: "string", Default: d.KLEstimator, Choices: []string{rl.K1, rl.K3}, Description: "ppo: estimator of the KL per token", Source: "Schulman 2020, Approximating KL Divergence; " + trl},
		{Name: "ppo_whiten_rewards", Type: "bool", Default: d.WhitenRewards, Description: "ppo: scales rewards to unit variance (advantages always are)", Source: trl},
		{Name: "ppo_gamma", Type: "float", Default: d.Gamma, Min: at(0), Max: at(1), Description: "ppo: discount", Source: trl},
		{Name: "ppo_lam", Type: "float", Default: d.Lambda, Min: at(0), Max: at(1), Description: "ppo: lambda of generalised advantage estimation", Source: "Schulman et al. 2016, equation 16; " + trl},
		{Name: "ppo_cliprange", Type: "float", Default: d.ClipRange, Min: at(0), Max: at(100), Description: "ppo: the policy's ratio counts within 1 plus or minus this", Source: "Schulman et al. 2017, equation 7; " + trl},
		{Name: "ppo_cliprange_value", Type: "float", Default: 10.0, Min: at(0), Description: "ppo: the value counts within its old one plus or minus this; rewards are not normalised here, so it must leave room for their scale", Source: trl + " (0.2)"},
		{Name: "ppo_vf_coef", Type: "float", Default: d.VFCoef, Min: at(0), Max: at(100), Description: "ppo: weight of the value loss", Source: trl},
		{Name: "ppo_missing_eos_penalty", Type: "float", Default: 1.0, Min: at(0), Description: "ppo: taken off the score of a response without end token; 0: none", Source: "TRL's PPO examples (1.0)"},
		{Name: "ppo_temperature", Type: "float", Default: 0.7, Min: at(0.01), Max: at(100), Description: "ppo: sampling temperature; log-probabilities are taken at it too", Source: trl},
		{Name: "ppo_response_length", Type: "int", Default: 0, Min: at(0), Unit: "tokens", Description: "ppo: longest response; 0: the task's max_new_tokens", Source: trl + " (53)"},
		{Name: "ppo_kl_max", Type: "float", Default: 30.0, Min: at(0), Unit: "nats", Description: "ppo: training ends, with the last policy within bounds, when objective/kl exceeds this; 0: never", Source: "Gao et al. 2023, Scaling Laws for Reward Model Overoptimization, section 3"},
		{Name: "ppo_score_drop", Type: "float", Default: 2.0, Min: at(0), Description: "ppo: likewise when objective/scores falls this far below the first update's; 0: never"},
		{Name: "ppo_score_rise", Type: "float", Default: 0.0, Min: at(0), Description: "ppo: likewise when objective/scores rises this far above the first update's, against over-optimisation; 0: never", Source: "Gao et al. 2023, section 3"},
		{Name: "ppo_samples", Type: "int", Default: 24, Min: at(0), Unit: "items", Description: "ppo: validation prompts answered greedily and streamed to the host; 0: none", Source: trl + ", num_sample_generations"},
		{Name: "ppo_sample_every", Type: "int", Default: 4, Min: at(1), Unit: "updates", Description: "ppo: updates between such samples; before the first and after the last there always are some", Source: trl + ", num_sample_generations"},
		{Name: "ppo_checkpoint_every", Type: "int", Default: 10, Min: at(1), Unit: "updates", Description: "ppo: updates between checkpoints", Source: "transformers TrainingArguments, save_steps"},
	}
}

// ppoConfig reads the coefficients of PPO's arithmetic.
func ppoConfig(p spec.Params) rl.Config {
	return rl.Config{KLCoef: p.Float("ppo_kl_coef"), KLEstimator: p.String("ppo_kl_estimator"), WhitenRewards: p.Bool("ppo_whiten_rewards"),
		Gamma: p.Float("ppo_gamma"), Lambda: p.Float("ppo_lam"), ClipRange: p.Float("ppo_cliprange"), ClipRangeValue: p.Float("ppo_cliprange_value"),
		VFCoef: p.Float("ppo_vf_coef"), MissingEOSPenalty: p.Float("ppo_missing_eos_penalty")}
}

// ppoUpdates is the number of updates that the episodes make.
func ppoUpdates(p spec.Params) int {
	b := p.Int("ppo_batch_size")
	return (p.Int("ppo_total_episodes") + b - 1) / b
}

// responseLength is the longest response, in tokens.
func responseLength(in *sdk.Input) int {
	if n := in.Params.Int("ppo_response_length"); n > 0 {
		return n
	}
	return max(in.Spec.Task.MaxNew, 1)
}

// Validate implements sdk.Validator.
func (rlhf) Validate(in *sdk.Input) spec.Diagnostics {
	ds := tune.NeedsDecoder(in)
	if b, n := in.Params.Int("ppo_batch_size"), in.Params.Int("ppo_num_mini_batches"); n > b {
		ds.Add("params.ppo_num_mini_batches", fmt.Sprintf("%d mini-batches of a batch of %d", n, b), "make it at most ppo_batch_size")
	}
	return ds
}
