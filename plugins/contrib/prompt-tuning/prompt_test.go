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

const c = tunetest.Hidden

func TestPromptTuning(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: 20*c + 2*c, Modes: []string{spec.ModeLabels}},
		"instruction": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: 7 * c,
			Params: map[string]any{"num_virtual_tokens": 7, "prompt_tuning_init": "TEXT", "prompt_tuning_init_text": "count on:", "accumulation": 3},
			Modes:  []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"gpt2": {Folder: gpt2, Data: tunetest.Completion(spec.Generation), Trainable: 4 * c,
			Params: map[string]any{"num_virtual_tokens": 4, "prompt_tuning_init": "RANDOM", "learning_rate": 0.3}, Modes: []string{spec.ModeGenerate}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = true
			tunetest.Check(t, prompt{}, x)
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

// Examples are cut to what the virtual tokens leave of the context.
func TestThePromptTakesContext(t *testing.T) {
	d := tunetest.Completion(spec.Generation)
	d.Train[0].Prompt = strings.Repeat("long ", tunetest.Context) + d.Train[0].Prompt
	d.Validation[0].Prompt = d.Train[0].Prompt
	r := tunetest.Run(t, tune.Method(prompt{}), tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{Params: map[string]any{"max_steps": 1, "num_virtual_tokens": 30}})
	if want := "cut to 18 tokens"; !strings.Contains(strings.Join(r.Logs, "\n"), want) {
		t.Errorf("log %q, expected %q", r.Logs, want)
	}
	r.Predict(t, tune.Method(prompt{}), d, spec.ModeLogprobs)
}

func TestMistakesNameTheParameter(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for want, params := range map[string]map[string]any{
		"params.num_virtual_tokens: prefix: 48 positions":  {"num_virtual_tokens": tunetest.Context},
		"params.prompt_tuning_init_text: it has no tokens": {"prompt_tuning_init": "TEXT"},
	} {
		_, err := tunetest.TryRun(t, tune.Method(prompt{}), folder, tunetest.Classification(), tunetest.Options{Params: params})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
}
