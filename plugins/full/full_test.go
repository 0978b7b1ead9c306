package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const labelHead = 2 * tunetest.Hidden

func load(t *testing.T, dir string) *model.Model {
	t.Helper()
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(dir, e, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// untie replaces the folder's model by one with an output layer of its own.
func untie(t *testing.T, dir string) {
	t.Helper()
	tied := load(t, dir)
	cfg := tied.Config()
	cfg.TieEmbeddings = false
	m, err := model.New(cfg, tied.Engine(), spec.Stream(7, spec.StreamInit))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
}

func TestFull(t *testing.T) {
	llama, gpt2, untied := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2), tunetest.Folder(t, checkpoint.Llama)
	untie(t, untied)
	all := func(dir string) int64 { return load(t, dir).ParamCount() }
	output := all(untied) - all(llama)
	phi := tunetest.Folder(t, checkpoint.Phi) // its output layer has a bias
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: all(llama) + labelHead, Modes: []string{spec.ModeLabels}},
		"instruction": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: all(llama), Params: map[string]any{"accumulation": 2},
			Modes: []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: all(gpt2), Modes: []string{spec.ModeGenerate}},
		// The label head takes the output layer's place: that layer stays frozen.
		"untied, classification": {Folder: untied, Data: tunetest.Classification(), Trainable: all(untied) - output + labelHead, Modes: []string{spec.ModeLabels}},
		"phi, classification":    {Folder: phi, Data: tunetest.Classification(), Trainable: all(phi) - int64(load(t, phi).Config().VocabSize) + labelHead, Modes: []string{spec.ModeLabels}},
		"untied, generation":     {Folder: untied, Data: tunetest.Completion(spec.Generation), Trainable: all(untied), Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) { tunetest.Check(t, full{}, x) })
	}
}

// The result is a model folder that anything can load, with every tensor moved
// away from the base and the same names and shapes.
func TestResultIsAWholeModel(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Instruction)
	r := tunetest.Run(t, tune.Method(full{}), folder, d, tunetest.Options{Params: map[string]any{"epochs": 2, "batch_size": 8}})
	base, tuned := load(t, folder).Params(), load(t, filepath.Join(r.Artifacts, "model")).Params()
	if len(base) != len(tuned) {
		t.Fatalf("%d tensors, the base has %d", len(tuned), len(base))
	}
	for i, p := range base {
		q := tuned[i]
		if p.Name != q.Name || !slices.Equal(p.Shape(), q.Shape()) {
			t.Errorf("tensor %d is %s %v, in the base %s %v", i, q.Name, q.Shape(), p.Name, p.Shape())
		} else if slices.Equal(p.Data(), q.Data()) {
			t.Errorf("%s did not change", p.Name)
		}
	}
}

func TestABrokenResultIsRefused(t *testing.T) {
	folder, d, m := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Instruction), tune.Method(full{})
	r := tunetest.Run(t, m, folder, d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	path := filepath.Join(r.Artifacts, "model", "model.safetensors")
	tensors, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	missing := tensors[len(tensors)-1].Name
	if err := checkpoint.WriteSafetensors(path, tensors[:len(tensors)-1], nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.TryPredict(t, m, d, spec.ModeGenerate); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v, expected an error that names %s", err, missing)
	}
}
