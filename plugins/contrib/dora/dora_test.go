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

func TestDoRA(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: blocks*(8*(c+c+c+kv)+c+kv) + 2*c, Modes: []string{spec.ModeLabels}},
		"instruction": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: blocks * (3*(c+inner) + c),
			Params: map[string]any{"target_modules": []string{"down_proj"}, "rank": 3, "use_rslora": true, "learning_rate": 2e-2},
			Modes:  []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: blocks * (8*(c+3*c) + 3*c), Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = true
			tunetest.Check(t, dora{}, x)
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
	_, err := tunetest.TryRun(t, tune.Method(dora{}), tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(),
		tunetest.Options{Params: map[string]any{"target_modules": []string{"w_proj"}}})
	if want := `params.target_modules[0]: "w_proj" names no linear layer`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, expected %q", err, want)
	}
}
