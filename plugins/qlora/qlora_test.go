package main

import (
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const (
	c, kv, inner = tunetest.Hidden, tunetest.Hidden / 2, tunetest.Inner
	blocks       = tunetest.Layers
	labelHead    = 2 * c
	weights      = blocks * (2*c*c + 2*c*kv + 3*c*inner) // in the blocks' linear layers
)

func TestQLoRA(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: blocks*8*(2*(c+c)+2*(c+kv)+3*(c+inner)) + labelHead,
			Params: map[string]any{"dropout": 0.05}, Modes: []string{spec.ModeLabels}},
		"DoRA": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: blocks * (2*(2*(c+c)+2*(c+inner)) + 2*2*c + (3*c + c + inner + c)),
			Params: map[string]any{"rank": 2, "learning_rate": 1e-2, "use_dora": true}, Modes: []string{spec.ModeGenerate}},
		"instruction": {Folder: gpt2, Data: tunetest.Completion(spec.Instruction), Trainable: blocks * 2 * ((c + 3*c) + (c + c) + 2*(c+inner)),
			Params: map[string]any{"rank": 2, "learning_rate": 1e-2}, Modes: []string{spec.ModeGenerate, spec.ModeLogprobs}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = true
			tunetest.Check(t, qlora{}, x)
		})
	}
}

func TestFiguresOfTheQuantisedBase(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Generation)
	m := tune.Method(qlora{})
	o := tunetest.Options{Params: map[string]any{"max_steps": 2}}
	r := tunetest.Run(t, m, folder, d, o)
	if got := r.First(t, "quant/params"); got != weights {
		t.Errorf("%g weights in NF4, expected %d", got, weights)
	}
	if got := r.First(t, "quant/bits_per_param"); got < 4.127 || got > 4.3 {
		t.Errorf("%g bits a parameter", got)
	}
	saved := r.First(t, "quant/base_bytes_f32") - r.First(t, "quant/base_bytes")
	if want := weights * (4 - 4.5/8); saved != want {
		t.Errorf("quantising saved %g bytes, expected %g", saved, want)
	}
	est, err := m.Estimate(t.Context(), tunetest.Input(t, m, folder, d, o))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := tune.Method(float{}).Estimate(t.Context(), tunetest.Input(t, m, folder, d, o))
	if err != nil {
		t.Fatal(err)
	}
	if got := plain.MemoryBytes - est.MemoryBytes; float64(got) != saved {
		t.Errorf("the estimate falls by %d bytes, the weights by %g", got, saved)
	}
	if _, ok := r.Files(t)[peft.WeightsFile]; !ok {
		t.Error("the result is no PEFT folder")
	}
}

// float is qlora without the Weigher, as an adapter on float weights is.
type float struct{ qlora }

func (float) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	a, err := qlora{}.Attach(m, r)
	if err != nil {
		return nil, err
	}
	return a.(*quantised).LoRA, nil
}
