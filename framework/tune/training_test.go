package tune_test

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// steps are the steps at which a metric was logged.
func steps(r *tunetest.Record, metric string) (out []int64) {
	for _, p := range r.Metrics[metric] {
		out = append(out, p.Step)
	}
	return out
}

// Of 24 training examples in batches of 8, three steps make an epoch.
func TestHowLongTrainingGoesOn(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	for name, c := range map[string]struct {
		params      map[string]any
		last        int64
		evaluated   []int64
		checkpoints []int64
	}{
		"epochs":            {map[string]any{"epochs": 2}, 6, []int64{0, 3, 6}, []int64{3}},
		"half an epoch":     {map[string]any{"epochs": 0.5}, 2, []int64{0, 2}, nil},
		"max_steps":         {map[string]any{"epochs": 2, "max_steps": 4}, 4, []int64{0, 3, 4}, []int64{3}},
		"eval_every":        {map[string]any{"epochs": 2, "eval_every": 4}, 6, []int64{0, 4, 6}, []int64{4}},
		"epochs come first": {map[string]any{"epochs": 1, "max_steps": 100}, 3, []int64{0, 3}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.params["batch_size"] = 8
			r := tunetest.Run(t, tune.Method(norms{}), folder, d, tunetest.Options{Params: c.params})
			if got := steps(r, "train/loss"); got[len(got)-1] != c.last || len(got) != int(c.last) {
				t.Errorf("losses at steps %v, expected 1 to %d", got, c.last)
			}
			if got := steps(r, "eval/loss"); !slices.Equal(got, c.evaluated) {
				t.Errorf("evaluated at %v, expected %v", got, c.evaluated)
			}
			for _, s := range c.checkpoints {
				if r.Checkpoints[s] == "" {
					t.Errorf("no checkpoint at step %d", s)
				}
			}
			if len(r.Checkpoints) != len(c.checkpoints) {
				t.Errorf("checkpoints %v, expected at %v", r.Checkpoints, c.checkpoints)
			}
		})
	}
}

func TestBudgetEndsTraining(t *testing.T) {
	folder, d, m := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(), tune.Method(norms{})
	free := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"batch_size": 8}})
	tokens := free.Metrics["train/num_tokens"]
	for name, budget := range map[string]spec.Budget{
		"tokens": {MaxTokens: int64(tokens[3].Value)},
		"FLOPs":  {MaxFLOPs: free.Cost.FLOPs * 3.5 / 9}, // reached in the fourth of nine steps
	} {
		in := tunetest.Input(t, m, folder, d, tunetest.Options{Params: map[string]any{"batch_size": 8}})
		in.Spec.Budget = budget
		var losses, evaluated []int64
		var logged string
		cost, err := sdk.RunLocal(context.Background(), m, in, sdk.Events{
			Metric: func(name string, step int64, _ float64) {
				switch name {
				case "train/loss":
					losses = append(losses, step)
				case "eval/loss":
					evaluated = append(evaluated, step)
				}
			},
			Log: func(_, message string) { logged += message },
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(losses) != 4 || !slices.Contains(evaluated, 4) || !strings.Contains(logged, "the budget ended training after 4 of 9 steps") {
			t.Errorf("%s: losses at %v, evaluated at %v, log %q", name, losses, evaluated, logged)
		}
		if cost.TrainTokens != int64(tokens[3].Value) {
			t.Errorf("%s: %d training tokens are claimed, expected %g", name, cost.TrainTokens, tokens[3].Value)
		}
	}
}

// A matched budget decides how long training is, whatever epochs says.
func TestMatchedBudgetGoesOnPastTheEpochs(t *testing.T) {
	folder, d, m := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(), tune.Method(norms{})
	once := map[string]any{"batch_size": 8, "epochs": 1.0}
	one := tunetest.Run(t, m, folder, d, tunetest.Options{Params: once})
	for name, budget := range map[string]spec.Budget{
		"tokens": {Match: "tokens", MaxTokens: 3 * one.Cost.TrainTokens},
		"flops":  {Match: "flops", MaxFLOPs: 3 * one.Cost.FLOPs},
	} {
		in := tunetest.Input(t, m, folder, d, tunetest.Options{Params: once})
		in.Spec.Budget = budget
		cost, err := sdk.RunLocal(context.Background(), m, in, sdk.Events{})
		if err != nil {
			t.Fatal(err)
		}
		got, want := float64(cost.TrainTokens), 3*float64(one.Cost.TrainTokens)
		if name == "flops" {
			got, want = cost.FLOPs, 3*one.Cost.FLOPs
		}
		if got < 0.9*want || got > 1.2*want {
			t.Errorf("%s: %g spent, budget %g", name, got, want)
		}
	}
}

func TestDivergenceNamesTheLearningRate(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	_, err := tunetest.TryRun(t, tune.Method(huge{}), folder, tunetest.Completion(spec.Generation), tunetest.Options{})
	if err == nil || !strings.Contains(err.Error(), "params.learning_rate: at step 1 the training loss is ") || !strings.Contains(err.Error(), "lower the learning rate") {
		t.Errorf("got %v, expected an error of params.learning_rate", err)
	}
}

func TestCutAndDroppedExamplesAreReported(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Generation)
	d.Train[0].Prompt = strings.Repeat("long ", tunetest.Context) + d.Train[0].Prompt // loses its front
	d.Train[1].Answer = strings.Repeat("9 ", 2*tunetest.Context)                      // does not fit
	d.Train[2].Answer = " "
	r := tunetest.Run(t, tune.Method(norms{}), folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	want := "warning: of 24 training examples 1 were cut to 48 tokens, 1 dropped as too long and 1 for having no answer"
	if !slices.Contains(r.Logs, want) {
		t.Errorf("log %q, expected %q", r.Logs, want)
	}
	if r.Last(t, "data/cut") != 1 || r.Last(t, "data/dropped") != 2 || r.Cost.LabelledExamples != 22 {
		t.Errorf("cut %g, dropped %g, %d examples used", r.Last(t, "data/cut"), r.Last(t, "data/dropped"), r.Cost.LabelledExamples)
	}
	if r.Last(t, "data/eos_supervised") != 1 {
		t.Errorf("the end token is supervised in %g of the examples", r.Last(t, "data/eos_supervised"))
	}
}

func TestAnswersOfWhiteSpaceTeachNothing(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Instruction)
	for i := range d.Train {
		d.Train[i].Answer = ""
	}
	_, err := tunetest.TryRun(t, tune.Method(norms{}), folder, d, tunetest.Options{})
	if want := "task.answer: no supervised token in 24 training examples (0 dropped as too long, 24 without an answer)"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, expected %q", err, want)
	}
}

// Weight decay is for matrices: the gain of a norm has none, a label head has.
func TestWeightDecayIsOfMatrices(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for file, d := range map[string]tunetest.Data{gainFile: tunetest.Completion(spec.Generation), "score.safetensors": tunetest.Classification()} {
		run := func(decay float64) string {
			return tunetest.Run(t, tune.Method(norms{}), folder, d, tunetest.Options{Params: map[string]any{"max_steps": 2, "weight_decay": decay}}).Files(t)[file]
		}
		if same := run(0) == run(1); same != (file == gainFile) {
			t.Errorf("%s: equal with and without weight decay: %v", file, same)
		}
	}
}

// What a prediction cost is counted, and the same when asked again.
func TestPredictionsCountTheirCost(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for mode, d := range map[string]tunetest.Data{spec.ModeLabels: tunetest.Classification(), spec.ModeGenerate: tunetest.Completion(spec.Generation),
		spec.ModeLogprobs: tunetest.Completion(spec.Instruction), spec.ModeChoices: tunetest.Completion(spec.Generation)} {
		m := tune.Method(norms{})
		r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
		for _, p := range r.Predict(t, m, d, mode) {
			// A token takes two operations a weight at least.
			if p.PromptTokens < 2 || p.FLOPs < 2*float64(tunetest.Layers*tunetest.Hidden*tunetest.Hidden) {
				t.Errorf("mode %s, item %s: %d prompt tokens, %g FLOPs", mode, p.ID, p.PromptTokens, p.FLOPs)
			}
			if mode == spec.ModeGenerate && p.GeneratedTokens < 1 {
				t.Errorf("item %s: %d generated tokens", p.ID, p.GeneratedTokens)
			}
		}
		if two := r.Predict(t, m, d, mode); !reflect.DeepEqual(two, r.Predict(t, m, d, mode)) {
			t.Errorf("mode %s: cost or answer differs when asked again", mode)
		}
	}
}

// A text without a prompt, as the host asks to measure forgetting, is scored
// from its first token on; a target after a prompt ends with the end token.
func TestLogprobsOfTargetAndOfPlainText(t *testing.T) {
	folder, d, m := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Instruction), tune.Method(norms{})
	r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	in := *r.In
	in.Artifacts = r.Artifacts
	p, err := m.Predictor(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	lm, err := tune.Open(folder, in.Spec.Compute)
	if err != nil {
		t.Fatal(err)
	}
	text := "After 7: 8"
	items := []spec.Item{{ID: "plain", Target: text}, {ID: "asked", Prompt: "After 7:", Target: "8"},
		{ID: "cut", Prompt: strings.Repeat("so ", 2*tunetest.Context) + "After 7:", Target: "8"}}
	got := map[string]int{}
	err = p.Predict(context.Background(), spec.ModeLogprobs, items, func(pr spec.Prediction) error {
		got[pr.ID] = len(pr.Logprobs)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, prompt := lm.Tokens(text), lm.Tokens("After 7:")
	if want := (map[string]int{"plain": whole - 1, "asked": whole - prompt + 1, "cut": whole - prompt + 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v log-probabilities, expected %v", got, want)
	}
}

func TestAResultOfAnotherShapeIsRefused(t *testing.T) {
	folder, d, m := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(), tune.Method(norms{})
	r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	head := []checkpoint.Tensor{{Name: "score.weight", Shape: []int{3, tunetest.Hidden}, Data: make([]float32, 3*tunetest.Hidden)}}
	if err := checkpoint.WriteSafetensors(filepath.Join(r.Artifacts, "score.safetensors"), head, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.TryPredict(t, m, d, spec.ModeLabels); err == nil || !strings.Contains(err.Error(), "score") {
		t.Errorf("a label head of another shape: %v", err)
	}
}
