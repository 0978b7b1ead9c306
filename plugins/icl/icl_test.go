package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/sdk/prompt"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// open gives the predictor of a run, to look at its prompts.
func open(t *testing.T, r *tunetest.Record) *predictor {
	t.Helper()
	in := *r.In
	in.Artifacts = r.Artifacts
	p, err := icl{}.Predictor(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*predictor)
}

func run(t *testing.T, folder string, d tunetest.Data, seed int64, params map[string]any) *tunetest.Record {
	t.Helper()
	return tunetest.Run(t, icl{}, folder, d, tunetest.Options{Params: params, Seed: seed})
}

// The context of 48 tokens holds a few shots of 24: those nearest to the
// question stay, as many as fit beside the longest label.
func TestShotsAreDroppedUntilTheyFit(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	r := run(t, folder, d, 1, map[string]any{"k": 24})
	p := open(t, r)
	kept := 0.0
	for i, pr := range r.Predict(t, icl{}, d, spec.ModeLabels) {
		item := spec.Item{ID: pr.ID, Prompt: d.Validation[i].Prompt}
		text, k, err := p.render(spec.ModeLabels, item)
		if err != nil {
			t.Fatal(err)
		}
		if k != pr.Shots || k < 1 || k >= 24 {
			t.Errorf("item %s: %d shots recorded, %d in the prompt", pr.ID, pr.Shots, k)
		}
		if want := prompt.Render(d.Task, p.shots[24-k:], item.Prompt); text != want {
			t.Errorf("prompt %q, expected the last %d shots: %q", text, k, want)
		}
		longest := p.base.LM.Tokens(" blue") + 1
		room := tunetest.Context - longest
		if n := p.base.LM.Tokens(text); n > room || n != pr.PromptTokens {
			t.Errorf("%d tokens, %d recorded, %d fit", n, pr.PromptTokens, room)
		}
		if n := p.base.LM.Tokens(prompt.Render(d.Task, p.shots[24-k-1:], item.Prompt)); n <= room {
			t.Errorf("%d shots were kept, one more takes %d tokens of %d", k, n, room)
		}
		if pr.FLOPs <= 0 || len(pr.Scores) != 2 {
			t.Errorf("item %s: %g FLOPs, scores %v", pr.ID, pr.FLOPs, pr.Scores)
		}
		kept += float64(k) / float64(len(d.Validation))
	}
	if r.Last(t, "icl/k") != 24 || math.Abs(r.Last(t, "icl/effective_k")-kept) > 1e-12 || r.Cost.LabelledExamples != 24 {
		t.Errorf("k %g, effective %g, %d examples; expected 24, %g, 24", r.Last(t, "icl/k"), r.Last(t, "icl/effective_k"), r.Cost.LabelledExamples, kept)
	}
}

// With k 0 it is the base model zero-shot: every choice's log-likelihood after
// the bare question.
func TestZeroShotScoresTheChoices(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	for _, selection := range []string{"random", "balanced", "nearest"} {
		r := run(t, folder, d, 1, map[string]any{"k": 0, "selection": selection})
		if r.Cost.LabelledExamples != 0 || r.Cost.TrainableParams != 0 {
			t.Errorf("%s: zero-shot claims %+v", selection, r.Cost)
		}
		lm, err := tune.Open(folder, r.In.Spec.Compute)
		if err != nil {
			t.Fatal(err)
		}
		for i, pr := range r.Predict(t, icl{}, d, spec.ModeLabels) {
			for l, label := range d.Task.Labels {
				ids, from := generate.EncodePair(lm.Tok, d.Validation[i].Prompt, " "+label)
				all, err := generate.ScoreIDs(lm.Model, [][]int{ids})
				if err != nil {
					t.Fatal(err)
				}
				want := 0.0
				for _, v := range all[0][from-1:] {
					want += v
				}
				if pr.Scores[l] != want || pr.Lengths[l] != len(ids)-from || pr.Shots != 0 {
					t.Errorf("item %s, %s: %g over %d tokens with %d shots, expected %g over %d", pr.ID, label, pr.Scores[l], pr.Lengths[l], pr.Shots, want, len(ids)-from)
				}
			}
		}
	}
}

func TestSelection(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	pool := func(seed int64, params map[string]any) []spec.Example {
		ex, err := sdk.ReadExamples(filepath.Join(run(t, folder, d, seed, params).Artifacts, poolFile))
		if err != nil {
			t.Fatal(err)
		}
		return ex
	}
	ids := func(ex []spec.Example) (out []string) {
		for _, e := range ex {
			out = append(out, e.ID)
		}
		return out
	}
	random := map[string]any{"k": 6}
	if a, b := pool(1, random), pool(1, random); !reflect.DeepEqual(a, b) || len(a) != 6 {
		t.Errorf("one seed gives %v and %v", ids(a), ids(b))
	}
	if a, b := pool(1, random), pool(2, random); reflect.DeepEqual(a, b) {
		t.Errorf("two seeds give the same shots %v", ids(a))
	}

	sorted := pool(1, map[string]any{"k": 6, "order": "dataset"})
	last := -1
	for _, e := range sorted {
		var n int
		if _, err := fmt.Sscanf(e.ID, "e%d", &n); err != nil || n < last {
			t.Errorf("dataset order gives %v", ids(sorted))
		}
		last = n
	}

	// The pool has sixteen of one label and eight of the other.
	first := map[int]int{}
	for seed := range int64(10) {
		balanced := pool(seed, map[string]any{"k": 12, "selection": "balanced"})
		for round := 0; round < 12; round += 2 {
			if balanced[round].Label == balanced[round+1].Label {
				t.Errorf("seed %d, round %d: one label twice in %v", seed, round/2, ids(balanced))
			}
			first[balanced[round].Label]++
		}
	}
	if first[0] < 15 || first[1] < 15 {
		t.Errorf("of 60 rounds %d begin with label 0 and %d with label 1: the order within a round is not random", first[0], first[1])
	}
	if all := pool(1, map[string]any{"k": 200, "selection": "balanced"}); len(all) != len(d.Train) {
		t.Errorf("%d shots of a pool of %d", len(all), len(d.Train))
	}
}

func TestNearest(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	r := run(t, folder, d, 1, map[string]any{"k": 2, "selection": "nearest"})
	if r.Cost.LabelledExamples != int64(len(d.Train)) {
		t.Errorf("%d labelled examples, nearest chooses from all %d", r.Cost.LabelledExamples, len(d.Train))
	}
	p := open(t, r)
	for _, e := range d.Train[:5] { // the nearest to a training question is itself
		text, k, err := p.render(spec.ModeLabels, spec.Item{ID: "x", Prompt: e.Prompt})
		if err != nil || k < 1 {
			t.Fatalf("%d shots, %v", k, err)
		}
		if want := prompt.Shot(d.Task, e) + d.Task.Separator + e.Prompt; !strings.HasSuffix(text, want) {
			t.Errorf("prompt %q does not end in %q", text, want)
		}
	}
	// Weights: "the" stands in all three and says nothing, rare words decide, ties go to the earlier.
	x := newIndex([]spec.Example{{ID: "a", Prompt: "the red fox"}, {ID: "b", Prompt: "the blue sea"}, {ID: "c", Prompt: "the Blue sea!"}})
	top := x.top("a sea of the blue", 3)
	if got := top[2].ID + top[1].ID + top[0].ID; got != "bca" {
		t.Errorf("nearest first: %s, expected bca", got)
	}
}

func TestSameBitsAgainAndOnTwoThreads(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for mode, d := range map[string]tunetest.Data{spec.ModeLabels: tunetest.Classification(), spec.ModeGenerate: tunetest.Completion(spec.Generation),
		spec.ModeLogprobs: tunetest.Completion(spec.Instruction), spec.ModeChoices: tunetest.Completion(spec.Generation)} {
		var all [][]spec.Prediction
		for _, threads := range []int{1, 1, 2} {
			r := tunetest.Run(t, icl{}, folder, d, tunetest.Options{Params: map[string]any{"k": 2}, Seed: 3, Threads: threads})
			all = append(all, r.Predict(t, icl{}, d, mode))
		}
		if !reflect.DeepEqual(all[0], all[1]) || !reflect.DeepEqual(all[0], all[2]) {
			t.Errorf("mode %s: the answers differ: %v", mode, all)
		}
		if p := all[0][0]; p.FLOPs <= 0 || p.PromptTokens <= 0 || (mode == spec.ModeGenerate) != (p.GeneratedTokens > 0) {
			t.Errorf("mode %s counts %+v", mode, p)
		}
	}
}

func TestQuestionsThatFillTheContext(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Generation)
	r := run(t, folder, d, 1, map[string]any{"k": 2})
	p := open(t, r)
	full := "After"
	for p.base.LM.Tokens(full+" 1") < tunetest.Context {
		full += " 1"
	}
	// It leaves less than generation likes to keep, and is asked without shots.
	if text, k, err := p.render(spec.ModeGenerate, spec.Item{ID: "x", Prompt: full}); err != nil || text != full || k != 0 {
		t.Errorf("a question that barely fits: %q, %d shots, %v", text, k, err)
	}
	long := spec.Item{ID: "x", Prompt: full + full, Target: "2"}
	if _, _, err := p.render(spec.ModeGenerate, long); err == nil || !strings.Contains(err.Error(), "item x: the bare question takes") {
		t.Errorf("a question that does not fit: %v", err)
	}
	if text, k, err := p.render(spec.ModeLogprobs, long); err != nil || text != long.Prompt || k != 0 {
		t.Errorf("a question whose front may be cut: %q, %d shots, %v", text, k, err)
	}
}

func TestNoExamples(t *testing.T) {
	d := tunetest.Classification()
	d.Train = nil
	_, err := tunetest.TryRun(t, icl{}, tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{})
	if err == nil || !strings.Contains(err.Error(), "params.k: the training split is empty") {
		t.Errorf("got %v", err)
	}
}
