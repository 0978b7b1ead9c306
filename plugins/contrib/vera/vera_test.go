package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const c, kv, blocks = tunetest.Hidden, tunetest.Hidden / 2, tunetest.Layers

func TestVeRA(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: blocks*(256+c+256+kv) + 2*c, Modes: []string{spec.ModeLabels}},
		"instruction": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: blocks * (64 + c + 64 + c + 64 + kv),
			Params: map[string]any{"rank": 64, "target_modules": []string{"q_proj", "v_proj", "down_proj"}},
			Modes:  []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: blocks * (256 + 3*c), Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = true
			tunetest.Check(t, vera{}, x)
		})
	}
}

// The adapters of testdata come from Python PEFT (../make_fixtures.py).
func TestEqualsPEFT(t *testing.T) {
	for _, family := range []string{"llama", "gpt2"} {
		t.Run(family, func(t *testing.T) {
			tunetest.Parity(t, filepath.Join("../../../framework/llm/model/testdata", family), filepath.Join("testdata", family), load)
		})
	}
}

func TestMistakesNameTheParameter(t *testing.T) {
	_, err := tunetest.TryRun(t, tune.Method(vera{}), tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(),
		tunetest.Options{Params: map[string]any{"target_modules": []string{"w_proj"}}})
	if want := `params.target_modules[0]: "w_proj" names no linear layer`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, expected %q", err, want)
	}
}
