package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const labelHead = 2 * tunetest.Hidden // two labels, no bias

func TestHead(t *testing.T) {
	for _, family := range []string{checkpoint.Llama, checkpoint.GPT2} {
		t.Run(family, func(t *testing.T) {
			tunetest.Check(t, head{}, tunetest.Case{Folder: tunetest.Folder(t, family), Data: tunetest.Classification(), Trainable: labelHead,
				Frozen: true, Modes: []string{spec.ModeLabels, spec.ModeLogprobs}})
		})
	}
}

// A linear layer on random features can tell the examples it was shown apart.
func TestHeadLearns(t *testing.T) {
	d := tunetest.Classification()
	d.Validation = d.Train
	r := tunetest.Run(t, tune.Method(head{}), tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{Params: map[string]any{"epochs": 40, "batch_size": 8, "learning_rate": 5e-2}})
	if acc := r.Last(t, "eval/accuracy"); acc < 0.9 {
		t.Errorf("accuracy %g on the examples it was trained on", acc)
	}
	hits := 0
	for i, p := range r.Predict(t, tune.Method(head{}), d, spec.ModeLabels) {
		if len(p.Scores) != 2 {
			t.Fatalf("item %s has %d scores, expected one a label", p.ID, len(p.Scores))
		}
		best := 0
		if p.Scores[1] > p.Scores[0] {
			best = 1
		}
		if best == d.Validation[i].Label {
			hits++
		}
	}
	if acc := float64(hits) / float64(len(d.Validation)); acc != r.Last(t, "eval/accuracy") {
		t.Errorf("a fresh predictor is right on %g, training measured %g", acc, r.Last(t, "eval/accuracy"))
	}
}

func TestMistakes(t *testing.T) {
	folder, m := tunetest.Folder(t, checkpoint.Llama), tune.Method(head{})
	if _, err := tunetest.TryRun(t, m, folder, tunetest.Completion(spec.Generation), tunetest.Options{}); err == nil || !strings.Contains(err.Error(), "params.objective: classify needs a task with labels") {
		t.Errorf("a task without labels: %v", err)
	}
	d := tunetest.Classification()
	r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	if err := os.Remove(filepath.Join(r.Artifacts, "score.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.TryPredict(t, m, d, spec.ModeLabels); err == nil || !strings.Contains(err.Error(), "score.safetensors") {
		t.Errorf("a result without its head: %v", err)
	}
}
