package main

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/sdk/prompt"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// worked is the next-number task with reasoning, short enough for a few shots.
func worked() tunetest.Data {
	d := tunetest.Completion(spec.Generation)
	for i := range d.Train {
		d.Train[i].Reasoning = fmt.Sprintf("+1. The answer is %s.", d.Train[i].Answer)
	}
	return d
}

func open(t *testing.T, r *tunetest.Record) *predictor {
	t.Helper()
	in := *r.In
	in.Artifacts = r.Artifacts
	p, err := cot{}.Predictor(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*predictor)
}

func TestShotsAreDroppedUntilReasoningFits(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), worked()
	for i := range d.Train { // short ones, so that the room decides to a few tokens
		d.Train[i].Prompt, d.Train[i].Reasoning = "1", d.Train[i].Answer
	}
	r := tunetest.Run(t, cot{}, folder, d, tunetest.Options{Params: map[string]any{"k": 20}})
	p := open(t, r)
	room := tunetest.Context - tunetest.Context/4
	sum := 0.0
	for i, pr := range r.Predict(t, cot{}, d, spec.ModeGenerate) {
		k := pr.Shots
		if k < 1 || k >= 20 {
			t.Fatalf("item %s: %d shots", pr.ID, k)
		}
		used := prompt.Render(d.Task, p.shots[20-k:], d.Validation[i].Prompt)
		if n := p.lm.Tokens(used); n != pr.PromptTokens || n > room {
			t.Errorf("item %s: %d shots take %d tokens, %d recorded, %d allowed", pr.ID, k, n, pr.PromptTokens, room)
		}
		if n := p.lm.Tokens(prompt.Render(d.Task, p.shots[20-k-1:], d.Validation[i].Prompt)); n <= room {
			t.Errorf("item %s: one shot more than %d takes %d tokens of %d", pr.ID, k, n, room)
		}
		if pr.FLOPs <= 0 || pr.GeneratedTokens < 1 || len(pr.Samples) != 0 {
			t.Errorf("item %s counts %+v", pr.ID, pr)
		}
		sum += float64(k)
	}
	if got, want := r.Last(t, "cot/effective_k"), sum/float64(len(d.Validation)); got != want || r.Last(t, "cot/k") != 20 {
		t.Errorf("effective k %g, expected %g", got, want)
	}
	if r.Cost.LabelledExamples != 20 || r.Cost.ExtraSupervision["reasoning"] != 20 {
		t.Errorf("cost %+v: 20 examples with reasoning were shown", r.Cost)
	}
}

// The text is the whole reasoning, as greedy decoding of the prompt gives it;
// it ends at the context's end where nothing ends it before.
func TestTextIsTheReasoning(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), worked()
	r := tunetest.Run(t, cot{}, folder, d, tunetest.Options{Params: map[string]any{"k": 2}})
	p := open(t, r)
	ends := map[string]int{}
	for i, pr := range r.Predict(t, cot{}, d, spec.ModeGenerate) {
		text, _, err := p.render(spec.Item{ID: pr.ID, Prompt: d.Validation[i].Prompt})
		if err != nil {
			t.Fatal(err)
		}
		want, err := generate.Generate(context.Background(), p.lm.Model, [][]int{p.lm.Tok.Encode(text, true)},
			generate.Options{MaxNewTokens: 128, StopStrings: []string{"\n\n"}, Tokenizer: p.lm.Tok})
		if err != nil {
			t.Fatal(err)
		}
		if pr.Text != want[0].Text || pr.Finish != want[0].Finish || pr.GeneratedTokens != len(want[0].IDs) {
			t.Errorf("item %s: %q (%s), expected %q (%s)", pr.ID, pr.Text, pr.Finish, want[0].Text, want[0].Finish)
		}
		if ends[pr.Finish]++; pr.Finish == generate.Context && pr.PromptTokens+pr.GeneratedTokens != tunetest.Context {
			t.Errorf("item %s ended at the context's end after %d + %d tokens of %d", pr.ID, pr.PromptTokens, pr.GeneratedTokens, tunetest.Context)
		}
	}
	if ends[generate.Context] == 0 || ends[generate.Length] > 0 {
		t.Errorf("endings %v: 128 tokens never fit the context of %d", ends, tunetest.Context)
	}
}

func TestSelfConsistency(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), worked()
	params := map[string]any{"k": 2, "samples": 5, "temperature": 1.5, "max_new_tokens": 8}
	var all [][]spec.Prediction
	for _, o := range []tunetest.Options{{Seed: 1}, {Seed: 1}, {Seed: 1, Threads: 2}, {Seed: 2}} {
		o.Params = params
		r := tunetest.Run(t, cot{}, folder, d, o)
		all = append(all, r.Predict(t, cot{}, d, spec.ModeGenerate))
	}
	if !reflect.DeepEqual(all[0], all[1]) || !reflect.DeepEqual(all[0], all[2]) {
		t.Error("the same seed gives other samples, or two threads do")
	}
	if reflect.DeepEqual(all[0], all[3]) {
		t.Error("two seeds give the same samples")
	}
	for _, pr := range all[0] {
		if len(pr.Samples) != 5 || pr.Text != pr.Samples[majority(pr.Samples)] {
			t.Errorf("item %s: %q is not the majority of %q", pr.ID, pr.Text, pr.Samples)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(pr.Samples)))) == 1 {
			t.Errorf("item %s: five samples are equal: %q", pr.ID, pr.Samples)
		}
		if pr.GeneratedTokens < 5 || pr.GeneratedTokens > 40 {
			t.Errorf("item %s: %d tokens in five samples of 8 at most", pr.ID, pr.GeneratedTokens)
		}
	}
}

func TestQuestionsThatFillTheContext(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	p := open(t, tunetest.Run(t, cot{}, folder, worked(), tunetest.Options{}))
	full := "After"
	for p.lm.Tokens(full+" 1") < tunetest.Context {
		full += " 1"
	}
	if text, k, err := p.render(spec.Item{ID: "x", Prompt: full}); err != nil || text != full || k != 0 {
		t.Errorf("a question that barely fits: %q, %d shots, %v", text, k, err)
	}
	if _, _, err := p.render(spec.Item{ID: "x", Prompt: full + full}); err == nil || !strings.Contains(err.Error(), "item x: the bare question takes") {
		t.Errorf("a question that does not fit: %v", err)
	}
}

func TestWorkedExamples(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), worked()
	d.Train = d.Train[:4]
	d.Train[1].Reasoning = ""
	d.Train[2].Reasoning = "one more"
	r := tunetest.Run(t, cot{}, folder, d, tunetest.Options{Params: map[string]any{"k": 8}})
	shots, err := sdk.ReadExamples(filepath.Join(r.Artifacts, shotsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shots {
		if s.ID == d.Train[1].ID {
			t.Error("an example without reasoning is shown")
		}
	}
	if len(shots) != 3 || r.Last(t, "cot/k") != 3 || r.Cost.ExtraSupervision["reasoning"] != 3 {
		t.Errorf("%d shots, k %g, cost %+v; three examples have reasoning", len(shots), r.Last(t, "cot/k"), r.Cost)
	}
	if !strings.Contains(strings.Join(r.Logs, "\n"), `warning: the reasoning of 1 of 3 worked examples does not say "The answer is"`) {
		t.Errorf("log %q", r.Logs)
	}

	for i := range d.Train {
		d.Train[i].Reasoning = ""
	}
	if _, err := tunetest.TryRun(t, cot{}, folder, d, tunetest.Options{}); err == nil || !strings.Contains(err.Error(), "task.reasoning: no training example has worked reasoning") {
		t.Errorf("no reasoning at all: %v", err)
	}
	zero := tunetest.Run(t, cot{}, folder, d, tunetest.Options{Params: map[string]any{"k": 0}})
	if zero.Cost.LabelledExamples != 0 {
		t.Errorf("k 0 claims %+v", zero.Cost)
	}
	if _, err := zero.TryPredict(t, cot{}, d, spec.ModeLabels); err == nil || !strings.Contains(err.Error(), `"labels" is not one cot answers`) {
		t.Errorf("labels mode: %v", err)
	}
}
