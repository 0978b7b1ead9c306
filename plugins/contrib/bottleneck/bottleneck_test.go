package main

import (
	"math"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const c, blocks = tunetest.Hidden, tunetest.Layers

func TestBottleneck(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: 2*blocks*(2*8*c+8+c) + 2*c, Modes: []string{spec.ModeLabels}},
		"instruction": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: blocks * (2*5*c + 5 + c),
			Params: map[string]any{"bottleneck_size": 5, "placement": pfeiffer, "non_linearity": "relu", "init_std": 0.1, "learning_rate": 2e-2},
			Modes:  []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: 2 * blocks * (2*8*c + 8 + c),
			Params: map[string]any{"non_linearity": "silu"}, Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = true
			tunetest.Check(t, bottleneck{}, x)
		})
	}
}

// The network by hand, at the one place of each block where pfeiffer has it, and
// nothing at all while U and u are zero.
func TestTheNetworkIsThePapers(t *testing.T) {
	for _, family := range []string{checkpoint.Llama, checkpoint.GPT2} {
		lm, err := tune.Open(tunetest.Folder(t, family), spec.Compute{Engine: "ref"})
		if err != nil {
			t.Fatal(err)
		}
		m, tape := lm.Model, autograd.NewTape(lm.Model.Engine(), false)
		defer tape.Release()
		hidden := func() []float32 { return m.Hidden(tape, model.Pack([]int{4, 8, 15})).Value() }
		before := hidden()
		f, err := attach(m, config{1, pfeiffer, "relu"})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(hidden(), before) {
			t.Errorf("%s: a network of zeros changes the model", family)
		}
		f.Train[0].Set(slices.Repeat([]float32{0.5}, c)) // D, d, U, u of the first
		f.Train[1].Set([]float32{0.25})
		f.Train[2].Set(slices.Repeat([]float32{2}, c))
		f.Train[3].Set(slices.Repeat([]float32{-1}, c))
		adapted := 0
		for _, lin := range m.Linears() {
			if lin.Adapt == nil {
				continue
			}
			if adapted++; adapted > 1 {
				continue
			}
			x := tape.Const([]int{1, lin.In}, slices.Repeat([]float32{0.1}, lin.In))
			y, got := lin.Base(tape, x).Value(), lin.Forward(tape, x).Value()
			sum := 0.25
			for _, v := range y {
				sum += 0.5 * float64(v)
			}
			for i, v := range y {
				if want := float64(v) + 2*math.Max(sum, 0) - 1; math.Abs(float64(got[i])-want) > 1e-5 {
					t.Fatalf("%s: %s gives %g, expected %g", family, lin.Name, got[i], want)
				}
			}
		}
		if adapted != blocks {
			t.Errorf("%s: %d layers carry a network, expected %d", family, adapted, blocks)
		}
	}
}
