package main

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// likes is a toy preference: the chosen response says "sea", the rejected one
// "fire", whatever the prompt.
func likes() tunetest.Data {
	d := tunetest.Data{Task: spec.Task{Name: "likes", Kind: spec.Preference, Prompt: "Text: {n}", Input: "{n}", Delimiter: " ", Separator: "\n\n",
		Chosen: "{chosen}", Rejected: "{rejected}", Metric: "win_rate", Stop: []string{"\n"}, MaxNew: 6}}
	for i := range 32 {
		prompt := fmt.Sprintf("Text: %d", i)
		e := spec.Example{ID: fmt.Sprintf("e%d", i), Prompt: prompt, Input: prompt, Label: -1, Chosen: "the sea", Rejected: "the fire"}
		if i%4 == 3 {
			d.Validation = append(d.Validation, e)
		} else {
			d.Train = append(d.Train, e)
		}
	}
	return d
}

// small are parameters with which the chain takes about a second.
func small() map[string]any {
	return map[string]any{
		"sft_epochs": 2, "sft_batch_size": 8, "sft_learning_rate": 5e-3,
		"reward_epochs": 4, "reward_batch_size": 8, "reward_learning_rate": 5e-3,
		"ppo_total_episodes": 96, "ppo_batch_size": 16, "ppo_learning_rate": 3e-3, "ppo_temperature": 1.0, "ppo_trainable": trainAll,
		"ppo_samples": 2, "ppo_checkpoint_every": 2, "ppo_sample_every": 2,
	}
}

// record is what a stage left behind.
type record struct {
	in          *sdk.Input
	cost        spec.Cost
	metrics     map[string][]tunetest.Point
	samples     map[int64][]string // step to texts
	logs        []string
	checkpoints map[int64]string
	err         error
}

func (r *record) dir() string { return filepath.Join(r.in.WorkDir, "artifacts") }

// options of one stage's run.
type options struct {
	params     map[string]any // over small
	threads    int
	checkpoint string
	inputs     map[string]string
	stop       bool // asked to stop before it starts
}

func runStage(t *testing.T, folder, stage string, d tunetest.Data, o options) *record {
	t.Helper()
	params := small()
	for k, v := range o.params {
		params[k] = v
	}
	in := tunetest.Input(t, rlhf{}, folder, d, tunetest.Options{Params: params, Seed: 5, Threads: o.threads, Checkpoint: o.checkpoint})
	in.Spec.Stage, in.Inputs = stage, o.inputs
	r := &record{in: in, metrics: map[string][]tunetest.Point{}, samples: map[int64][]string{}, checkpoints: map[int64]string{}}
	stop := make(chan struct{})
	if o.stop {
		close(stop)
	}
	r.cost, r.err = sdk.RunLocal(context.Background(), rlhf{}, in, sdk.Events{
		Stop: stop,
		Metric: func(name string, step int64, v float64) {
			r.metrics[name] = append(r.metrics[name], tunetest.Point{Step: step, Value: v})
		},
		Log:        func(_, message string) { r.logs = append(r.logs, message) },
		Sample:     func(step int64, _, _, text string) { r.samples[step] = append(r.samples[step], text) },
		Checkpoint: func(step int64, dir string) { r.checkpoints[step] = dir },
	})
	return r
}

func must(t *testing.T, r *record) *record {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r
}

// chain runs all three stages.
func chain(t *testing.T, folder string, d tunetest.Data, o options) (sft, reward, ppo *record) {
	t.Helper()
	o.inputs = map[string]string{}
	sft = must(t, runStage(t, folder, stageSFT, d, o))
	o.inputs = map[string]string{stageSFT: sft.dir()}
	reward = must(t, runStage(t, folder, stageReward, d, o))
	o.inputs = map[string]string{stageSFT: sft.dir(), stageReward: reward.dir()}
	ppo = must(t, runStage(t, folder, stagePPO, d, o))
	return sft, reward, ppo
}

func (r *record) first(t *testing.T, metric string) float64 {
	t.Helper()
	if len(r.metrics[metric]) == 0 {
		t.Fatalf("no metric %s", metric)
	}
	return r.metrics[metric][0].Value
}

func (r *record) last(t *testing.T, metric string) float64 {
	t.Helper()
	r.first(t, metric)
	return r.metrics[metric][len(r.metrics[metric])-1].Value
}

func ask(t *testing.T, r *record, mode string, items []spec.Item) []spec.Prediction {
	t.Helper()
	in := *r.in
	in.Train, in.Validation, in.Artifacts = "", "", r.dir()
	p, err := rlhf{}.Predictor(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var out []spec.Prediction
	if err := p.Predict(context.Background(), mode, items, func(pr spec.Prediction) error { out = append(out, pr); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(out) != len(items) {
		t.Fatalf("%d answers to %d items", len(out), len(items))
	}
	return out
}

func llama(t *testing.T) string { return tunetest.Folder(t, checkpoint.Llama) }
