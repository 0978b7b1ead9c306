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

func TestPrefixTuning(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: 10*blocks*2*kv + 2*c, Modes: []string{spec.ModeLabels}},
		"instruction, projected": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: 7*kv + 24*(kv+1) + blocks*2*kv*(24+1),
			Params: map[string]any{"num_virtual_tokens": 7, "prefix_projection": true, "encoder_hidden_size": 24, "accumulation": 3},
			Modes:  []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: 10 * blocks * 2 * c, Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = true
			tunetest.Check(t, prefix{}, x)
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
	_, err := tunetest.TryRun(t, tune.Method(prefix{}), tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(),
		tunetest.Options{Params: map[string]any{"num_virtual_tokens": tunetest.Context}})
	if want := "params.num_virtual_tokens: prefix: 48 positions"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, expected %q", err, want)
	}
}
