package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const c, kv, inner, blocks = tunetest.Hidden, tunetest.Hidden / 2, tunetest.Inner, tunetest.Layers

func TestBitFit(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Frozen: true, Data: tunetest.Classification(), Trainable: blocks*(3*c+2*kv+2*inner) + 2*c, Modes: []string{spec.ModeLabels}},
		"instruction": {Folder: llama, Frozen: true, Data: tunetest.Completion(spec.Instruction), Trainable: blocks * (c + 2*inner),
			Params: map[string]any{"biases": qAndMLP, "learning_rate": 5e-2}, Modes: []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: blocks*(3*c+c+inner+c+2*c) + c, Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) { tunetest.Check(t, bitfit{}, x) })
	}
}

// Of a model with biases of its own nothing but they may change.
func TestOnlyBiasesTrain(t *testing.T) {
	lm, err := tune.Open(tunetest.Folder(t, checkpoint.GPT2), spec.Compute{})
	if err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{allBiases, qAndMLP} {
		train := map[string]bool{}
		for _, p := range attach(lm.Model, which).Train {
			train[p.Name] = true
			if !strings.HasSuffix(p.Name, ".bias") {
				t.Errorf("%s trains", p.Name)
			}
		}
		for _, p := range lm.Model.Params() {
			if p.Trainable != train[p.Name] {
				t.Errorf("%s: %s is trainable: %v", which, p.Name, p.Trainable)
			}
		}
	}
}

func TestAnotherConfigurationIsRefused(t *testing.T) {
	r := tunetest.Run(t, tune.Method(bitfit{}), tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(), tunetest.Options{Params: map[string]any{"max_steps": 1}})
	for old, change := range map[string][2]string{
		"it must be all or":    {`"biases": "all"`, `"biases": "none"`},
		"unexpected tensor":    {`"biases": "all"`, `"biases": "query+intermediate"`},
		"extra: 1 is not supp": {`"biases"`, `"extra": 1, "biases"`},
	} {
		path := filepath.Join(r.Artifacts, peft.ConfigFile)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(raw), change[0], change[1], 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := r.TryPredict(t, tune.Method(bitfit{}), tunetest.Classification(), spec.ModeLabels); err == nil || !strings.Contains(err.Error(), old) {
			t.Errorf("got %v, expected %q", err, old)
		}
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
