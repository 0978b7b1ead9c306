package main

import (
	"testing"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

func TestQLoRAOnEncoders(t *testing.T) {
	const dense, out, adapters = c*c + c, 2*c + 2, blocks * 8 * (4*(c+c) + 2*(c+inner))
	for family, n := range map[string]int64{encoder.BERT: adapters + 8*(c+c) + out, // its pooler is a linear layer too
		encoder.DistilBERT: adapters + dense + out} {
		t.Run(family, func(t *testing.T) {
			tunetest.Check(t, qlora{}, tunetest.Case{Folder: tunetest.Folder(t, family), Data: tunetest.Classification(), Trainable: n,
				Params: map[string]any{"dropout": 0.05}, Frozen: true, Modes: []string{spec.ModeLabels}})
		})
	}
	// The new layers of the label head stay in floats, since they train.
	r := tunetest.Run(t, tune.Method(qlora{}), tunetest.Folder(t, encoder.DistilBERT), tunetest.Classification(), tunetest.Options{Params: map[string]any{"max_steps": 1}})
	if got, want := r.First(t, "quant/params"), float64(blocks*(4*c*c+2*c*inner)); got != want {
		t.Errorf("%g weights in NF4, expected %g", got, want)
	}
}
