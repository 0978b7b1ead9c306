package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

func open(t *testing.T, dir string) *encoder.Encoder {
	t.Helper()
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := encoder.Load(dir, e, encoder.Options{Classify: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFullOnEncoders(t *testing.T) {
	for _, family := range encoder.Families() {
		t.Run(family, func(t *testing.T) {
			folder := tunetest.Folder(t, family)
			c := encoder.NewClassifier(open(t, folder), 2, spec.Stream(1, spec.StreamInit))
			n := c.Encoder().ParamCount()
			for _, p := range c.Params() {
				n += int64(p.Len())
			}
			tunetest.Check(t, full{}, tunetest.Case{Folder: folder, Data: tunetest.Classification(), Trainable: n, Modes: []string{spec.ModeLabels}})
		})
	}
}

// The result is a folder of a classifier: read as one it answers as the run's
// predictor does.
func TestResultIsAClassifierFolder(t *testing.T) {
	folder, d, m := tunetest.Folder(t, encoder.BERT), tunetest.Classification(), tune.Method(full{})
	d.Validation[0].Input += " of all that there is to see here and then some more of it, now and later and once again" // longer than the context
	r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"epochs": 2, "batch_size": 8}})
	dir := filepath.Join(r.Artifacts, "model")
	c, err := encoder.LoadClassifier(dir, open(t, folder).Engine())
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	ids := encoder.Cut(tok.Encode(d.Validation[0].Input, true), tunetest.Context+2)
	if len(ids) != tunetest.Context+2 {
		t.Fatalf("the long text has %d tokens", len(ids))
	}
	b := encoder.Pack(ids)
	tape := autograd.NewTape(c.Encoder().Engine(), false)
	defer tape.Release()
	got := c.Logits(tape, c.Encoder().Hidden(tape, b), b.SeqLens).Value()
	want := r.Predict(t, m, d, spec.ModeLabels)[0].Scores
	if !slices.EqualFunc(got, want, func(a float32, b float64) bool { return float64(a) == b }) {
		t.Errorf("logits %v, the predictor says %v", got, want)
	}
}
