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

const c, kv, inner, blocks = tunetest.Hidden, tunetest.Hidden / 2, tunetest.Inner, tunetest.Layers

func TestIA3(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: blocks*(kv+kv+inner) + 2*c, Modes: []string{spec.ModeLabels}},
		"instruction": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: blocks * (c + c),
			Params: map[string]any{"target_modules": []string{"q_proj", "o_proj"}, "feedforward_modules": []string{"o_proj"}},
			Modes:  []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: blocks * (3*c + inner), Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = true
			tunetest.Check(t, ia3{}, x)
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
	_, err := tunetest.TryRun(t, tune.Method(ia3{}), tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(),
		tunetest.Options{Params: map[string]any{"feedforward_modules": []string{"w_proj"}}})
	if want := `params.feedforward_modules: target_modules[0]: "w_proj" names no linear layer`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, expected %q", err, want)
	}
}
