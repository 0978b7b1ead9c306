package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

func TestChainLearnsThePreference(t *testing.T) {
	for _, c := range [][2]string{{checkpoint.Llama, trainAll}, {checkpoint.Llama, trainQueryKey}, {checkpoint.GPT2, trainQueryKey}} {
		t.Run(c[0]+" "+c[1], func(t *testing.T) {
			folder, d := tunetest.Folder(t, c[0]), likes()
			sft, reward, ppo := chain(t, folder, d, options{params: map[string]any{"ppo_trainable": c[1], "ppo_total_episodes": 640, "ppo_batch_size": 32, "ppo_learning_rate": 1e-2}})
			if a := reward.last(t, "eval/accuracy"); a < 0.9 {
				t.Errorf("held-out accuracy of the reward model is %g", a)
			}
			if m := reward.last(t, "eval/margin"); m <= 0 {
				t.Errorf("margin %g", m)
			}
			if first, last := ppo.first(t, "objective/scores"), ppo.last(t, "objective/scores"); c[1] == trainAll && !(last > first+0.5) {
				t.Errorf("the score went from %g to %g", first, last)
			}
			changes(t, sft, ppo, c[1])
			if kl := ppo.first(t, "objective/kl"); kl != 0 {
				t.Errorf("the KL before the first update is %g, policy and reference are the same", kl)
			}
			if kl := ppo.last(t, "objective/kl"); kl == 0 {
				t.Error("the policy has not moved")
			}
			for _, name := range []string{
				"objective/kl", "objective/entropy", "objective/non_score_reward", "objective/rlhf_reward", "objective/scores", "policy/approxkl_avg",
				"policy/clipfrac_avg", "policy/entropy_avg", "loss/policy_avg", "loss/value_avg", "val/clipfrac_avg", "val/ratio", "val/ratio_var",
				"val/num_eos_tokens", "lr", "episode",
			} {
				if n := len(ppo.metrics[name]); n < 20 {
					t.Errorf("%s has %d values, there were 20 updates", name, n)
				}
			}
			for _, step := range []int64{0, 2, 10, 20} {
				if len(ppo.samples[step]) != 2 {
					t.Errorf("step %d streamed samples %q", step, ppo.samples[step])
				}
			}
			if sft.cost.LabelledExamples != int64(len(d.Train)) || reward.cost.ExtraSupervision["preferences"] != len(d.Train) {
				t.Errorf("cost of sft %+v, of reward %+v", sft.cost, reward.cost)
			}
			if c := ppo.cost; c.TrainTokens == 0 || c.GeneratedTokens == 0 || c.FLOPs == 0 || c.TrainableParams <= reward.cost.TrainableParams {
				t.Errorf("cost of ppo %+v", c)
			}
			askAll(t, sft, reward, ppo, d)
		})
	}
}

// changes demands that what the policy trains has changed, and nothing else.
func changes(t *testing.T, sft, ppo *record, trainable string) {
	t.Helper()
	var weights [2][]checkpoint.Tensor
	for i, r := range []*record{sft, ppo} {
		var err error
		if weights[i], err = checkpoint.ReadSafetensors(filepath.Join(r.dir(), modelDir, checkpoint.WeightsFile)); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range weights[0] {
		trains := trainable == trainAll || strings.HasSuffix(w.Name, "q_proj.weight") || strings.HasSuffix(w.Name, "k_proj.weight") || strings.HasSuffix(w.Name, "c_attn.weight")
		if changed := !slices.Equal(w.Data, weights[1][i].Data); changed != trains {
			t.Errorf("%s: changed %v, with ppo_trainable %s", w.Name, changed, trainable)
		}
	}
}

// askAll asks every stage in the modes it answers.
func askAll(t *testing.T, sft, reward, ppo *record, d tunetest.Data) {
	t.Helper()
	var prompts, both []spec.Item
	for _, e := range d.Validation {
		prompts = append(prompts, spec.Item{ID: e.ID, Prompt: e.Prompt, Target: e.Chosen, Choices: []string{e.Chosen, e.Rejected}})
		both = append(both, spec.Item{ID: e.ID + "/chosen", Prompt: e.Prompt, Response: e.Chosen}, spec.Item{ID: e.ID + "/rejected", Prompt: e.Prompt, Response: e.Rejected})
	}
	for _, r := range []*record{sft, ppo} {
		for _, mode := range []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices} {
			ask(t, r, mode, prompts)
		}
		if _, err := os.Stat(filepath.Join(r.dir(), modelDir, "tokenizer.json")); err != nil {
			t.Errorf("the result is no whole model folder: %v", err)
		}
	}
	one, two := ask(t, reward, spec.ModeReward, both), ask(t, ppo, spec.ModeReward, both)
	if !reflect.DeepEqual(one, two) {
		t.Error("the ppo stage does not answer with its chain's reward model")
	}
	for i := 0; i < len(one); i += 2 {
		if one[i].Scores[0] <= one[i+1].Scores[0] {
			t.Errorf("item %s: chosen %v, rejected %v", one[i].ID, one[i].Scores, one[i+1].Scores)
		}
	}
}

// Every number of a chain is the same on one thread and on two.
func TestThreadsDoNotChangeTheNumbers(t *testing.T) {
	folder, d := llama(t), likes()
	a, b, c := chain(t, folder, d, options{threads: 1})
	x, y, z := chain(t, folder, d, options{threads: 2})
	sameRun(t, "sft", a, x, -1)
	sameRun(t, "reward", b, y, -1)
	sameRun(t, "ppo", c, z, -1)
}

// sameRun demands equal metrics after a step (-1: all), cost and result.
func sameRun(t *testing.T, what string, want, got *record, after int64) {
	t.Helper()
	for name, list := range want.metrics {
		var tail []tunetest.Point
		for _, p := range list {
			if p.Step > after {
				tail = append(tail, p)
			}
		}
		if !slices.Equal(got.metrics[name], tail) {
			t.Errorf("%s: %s is %v, expected %v", what, name, got.metrics[name], tail)
		}
	}
	if !reflect.DeepEqual(want.cost, got.cost) {
		t.Errorf("%s: cost %+v, expected %+v", what, got.cost, want.cost)
	}
	for _, f := range []string{"model/model.safetensors", "score.safetensors"} {
		a, errA := os.ReadFile(filepath.Join(want.dir(), f))
		b, errB := os.ReadFile(filepath.Join(got.dir(), f))
		if (errA == nil) != (errB == nil) || string(a) != string(b) {
			t.Errorf("%s: the results differ in %s (%v, %v)", what, f, errA, errB)
		}
	}
}

// A run that goes on from a checkpoint gives the bits of one that was never
// interrupted.
func TestResumedRunsAreIdentical(t *testing.T) {
	folder, d := llama(t), likes()
	sft, reward, ppo := chain(t, folder, d, options{})
	for _, r := range []*record{sft, reward, ppo} {
		stage := r.in.Spec.Stage
		if len(r.checkpoints) == 0 {
			t.Errorf("stage %s made no checkpoint", stage)
		}
		for step, dir := range r.checkpoints {
			again := must(t, runStage(t, folder, stage, d, options{checkpoint: dir, inputs: r.in.Inputs}))
			sameRun(t, stage, r, again, step)
		}
	}
	for _, r := range []*record{sft, reward, ppo} {
		stage := r.in.Spec.Stage
		part := runStage(t, folder, stage, d, options{stop: true, inputs: r.in.Inputs})
		if !errors.Is(part.err, sdk.ErrStopped) || len(part.checkpoints) != 1 {
			t.Fatalf("stage %s, asked to stop: %v, checkpoints %v", stage, part.err, part.checkpoints)
		}
		for step, dir := range part.checkpoints {
			sameRun(t, stage+" after a stop", r, must(t, runStage(t, folder, stage, d, options{checkpoint: dir, inputs: r.in.Inputs})), step)
		}
	}
	broken := filepath.Join(t.TempDir(), "cp")
	if err := os.CopyFS(broken, os.DirFS(ppo.checkpoints[2])); err != nil {
		t.Fatal(err)
	}
	list, err := checkpoint.ReadSafetensors(filepath.Join(broken, tensorsFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteSafetensors(filepath.Join(broken, tensorsFile), list[1:], nil); err != nil {
		t.Fatal(err)
	}
	if r := runStage(t, folder, stagePPO, d, options{checkpoint: broken, inputs: ppo.in.Inputs}); r.err == nil || !strings.Contains(r.err.Error(), list[0].Name) {
		t.Errorf("a checkpoint without %s: %v", list[0].Name, r.err)
	}
}

// When a bound is crossed, training ends well, with the policy before the
// update that crossed it.
func TestStopsOutOfBounds(t *testing.T) {
	folder, d := llama(t), likes()
	sft, reward, whole := chain(t, folder, d, options{})
	inputs := map[string]string{stageSFT: sft.dir(), stageReward: reward.dir()}
	kl := whole.metrics["objective/kl"]
	bound := kl[2].Value * 0.999 // the rollout after two updates crosses it
	if !(kl[1].Value < bound) {
		t.Fatalf("the KL does not rise at first: %v", kl)
	}
	r := must(t, runStage(t, folder, stagePPO, d, options{inputs: inputs, params: map[string]any{"ppo_kl_max": bound}}))
	if got := len(r.metrics["objective/kl"]); got != 3 || r.last(t, "stop/kl") != kl[2].Value {
		t.Errorf("%d rollouts, stop/kl %v", got, r.metrics["stop/kl"])
	}
	if log := strings.Join(r.logs, "\n"); !strings.Contains(log, "ppo_kl_max") {
		t.Errorf("logs %q do not name the bound", log)
	}
	// One update with the same rates ends at the state that is kept.
	one := must(t, runStage(t, folder, stagePPO, d, options{inputs: inputs, params: map[string]any{"ppo_total_episodes": 16, "ppo_schedule": "constant"}}))
	kept := must(t, runStage(t, folder, stagePPO, d, options{inputs: inputs, params: map[string]any{"ppo_kl_max": one.last(t, "objective/kl") * 1.0001, "ppo_schedule": "constant"}}))
	if len(kept.metrics["stop/kl"]) == 1 && len(kept.metrics["objective/kl"]) == 3 {
		a, _ := os.ReadFile(filepath.Join(one.dir(), "model/model.safetensors"))
		b, _ := os.ReadFile(filepath.Join(kept.dir(), "model/model.safetensors"))
		if string(a) != string(b) {
			t.Error("the result is not the policy of the last rollout within bounds")
		}
	} else {
		t.Errorf("expected a stop after two updates: %v %v", kept.metrics["stop/kl"], kept.metrics["objective/kl"])
	}
	rise := must(t, runStage(t, folder, stagePPO, d, options{inputs: inputs, params: map[string]any{"ppo_score_rise": 1e-6}}))
	drop := must(t, runStage(t, folder, stagePPO, d, options{inputs: inputs, params: map[string]any{"ppo_score_drop": 1e-6}}))
	if len(rise.metrics["stop/score"])+len(drop.metrics["stop/score"]) == 0 {
		t.Error("neither a rise nor a fall of the score ended training")
	}
}

func TestRatioAssertion(t *testing.T) {
	folder, d := llama(t), likes()
	sft, reward, _ := chain(t, folder, d, options{})
	in := tunetest.Input(t, rlhf{}, folder, d, tunetest.Options{Params: small(), Seed: 5})
	in.Spec.Stage, in.Inputs = stagePPO, map[string]string{stageSFT: sft.dir(), stageReward: reward.dir()}
	r, err := newPPORun(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	roll, err := r.rollout(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	targets, err := r.cfg.Targets(roll.Rollout)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := r.inner(roll, targets, roll.first[0], 0, true); err != nil || s.Ratio != 1 || s.ApproxKL != 0 {
		t.Errorf("before the first step: ratio %v, %v", s.Ratio, err)
	}
	at := &roll.LogProbs[roll.first[0][0]][0]
	*at = math.Nextafter(*at, 0) - 1e-9
	if _, err := r.inner(roll, targets, roll.first[0], 0, true); err == nil || !strings.Contains(err.Error(), "ratio") {
		t.Errorf("an old log-probability from elsewhere was taken: %v", err)
	}
}

// A rollout's numbers stand where they belong, and log-probabilities of another
// policy than the one that sampled are noticed.
func TestRollout(t *testing.T) {
	folder, d := llama(t), likes()
	sft, reward, _ := chain(t, folder, d, options{})
	in := tunetest.Input(t, rlhf{}, folder, d, tunetest.Options{Params: small(), Seed: 5})
	in.Spec.Stage, in.Inputs = stagePPO, map[string]string{stageSFT: sft.dir(), stageReward: reward.dir()}
	r, err := newPPORun(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	roll, sampled, err := r.sample(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.score(roll, sampled); err != nil || !(roll.gap > 0) {
		t.Errorf("gap %g, %v", roll.gap, err)
	}
	// Value j is that of the state before token j.
	for i, seq := range roll.seqs {
		for j := range roll.count(i, 1) {
			v, _, err := r.value.Scores([][]int{seq[:roll.prompt[i]+j]})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(v[0]-roll.Values[i][j]) > 1e-5 {
				t.Errorf("value %d of response %d is %g, the value function gives %g there", j, i, roll.Values[i][j], v[0])
			}
		}
	}
	w := r.sets[0].params[0]
	moved := w.Data()
	for i := range moved {
		moved[i] *= 1.01
	}
	w.Set(moved)
	if err := r.score(roll, sampled); err == nil || !strings.Contains(err.Error(), "sampler") {
		t.Errorf("gap %g, %v", roll.gap, err)
	}
}

func TestMistakesAreErrors(t *testing.T) {
	folder, d := llama(t), likes()
	for _, c := range []struct {
		stage, want string
		change      func(*tunetest.Data, *options)
	}{
		{"other", "not a stage", func(*tunetest.Data, *options) {}},
		{stageReward, "inputs.sft", func(*tunetest.Data, *options) {}},
		{stagePPO, "inputs.sft", func(*tunetest.Data, *options) {}},
		{stageSFT, "lacks a chosen or a rejected", func(d *tunetest.Data, _ *options) { d.Train[0].Rejected = "" }},
		{stageSFT, "training split is empty", func(d *tunetest.Data, _ *options) { d.Train = nil }},
	} {
		bad, o := d, options{}
		bad.Train = slices.Clone(d.Train)
		c.change(&bad, &o)
		if r := runStage(t, folder, c.stage, bad, o); r.err == nil || !strings.Contains(r.err.Error(), c.want) {
			t.Errorf("stage %s: %v, want %q", c.stage, r.err, c.want)
		}
	}
	sft, reward, _ := chain(t, folder, d, options{})
	inputs := map[string]string{stageSFT: sft.dir(), stageReward: reward.dir()}
	for want, c := range map[string]struct {
		stage  string
		params map[string]any
	}{
		"reward_max_length":   {stageReward, map[string]any{"reward_max_length": 2}},
		"ppo_response_length": {stagePPO, map[string]any{"ppo_response_length": tunetest.Context}},
	} {
		if r := runStage(t, folder, c.stage, d, options{inputs: inputs, params: c.params}); r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%v: %v, want %s named", c.params, r.err, want)
		}
	}
	in := tunetest.Input(t, rlhf{}, folder, d, tunetest.Options{Params: map[string]any{"ppo_batch_size": 4, "ppo_num_mini_batches": 5}})
	if ds := (rlhf{}).Validate(in); len(ds) != 1 || ds[0].Path != "params.ppo_num_mini_batches" {
		t.Errorf("five mini-batches of four: %v", ds)
	}
}

// The estimate names the parameters that train.
func TestEstimate(t *testing.T) {
	folder, d := llama(t), likes()
	sft, reward, ppo := chain(t, folder, d, options{})
	for _, r := range []*record{sft, reward, ppo} {
		est, err := rlhf{}.Estimate(t.Context(), r.in)
		if err != nil {
			t.Fatal(err)
		}
		if est.TrainableParams != r.cost.TrainableParams || est.FLOPs <= 0 || est.Steps <= 0 {
			t.Errorf("stage %s: estimate %+v, cost %+v", r.in.Spec.Stage, est, r.cost)
		}
	}
}
