package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// What a folder has trains with no method that freezes it: BERT's pooler, and
// ModernBERT's layer before the output layer, which its masked-LM head is.
func TestHeadOfEncoders(t *testing.T) {
	const dense, out = tunetest.Hidden*tunetest.Hidden + tunetest.Hidden, 2*tunetest.Hidden + 2
	for family, n := range map[string]int64{encoder.BERT: out, encoder.DistilBERT: dense + out, encoder.RoBERTa: dense + out,
		encoder.ELECTRA: dense + out, encoder.MPNet: dense + out, encoder.ModernBERT: out} {
		t.Run(family, func(t *testing.T) {
			tunetest.Check(t, head{}, tunetest.Case{Folder: tunetest.Folder(t, family), Data: tunetest.Classification(), Trainable: n,
				Params: map[string]any{"epochs": 20}, Frozen: true, Modes: []string{spec.ModeLabels}})
		})
	}
}

func TestAnEncoderResultWithoutItsHead(t *testing.T) {
	d, m := tunetest.Classification(), tune.Method(head{})
	r := tunetest.Run(t, m, tunetest.Folder(t, encoder.DistilBERT), d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	if err := os.Remove(filepath.Join(r.Artifacts, tune.HeadFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.TryPredict(t, m, d, spec.ModeLabels); err == nil || !strings.Contains(err.Error(), tune.HeadFile) {
		t.Errorf("got %v", err)
	}
}
