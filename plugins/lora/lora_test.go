package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const (
	c, kv, inner = tunetest.Hidden, tunetest.Hidden / 2, tunetest.Inner
	blocks       = tunetest.Layers
	labelHead    = 2 * c
	allLinear    = 2*(c+c) + 2*(c+kv) + 3*(c+inner) // sum of in + out over a Llama block
)

func TestLoRA(t *testing.T) {
	llama, gpt2 := tunetest.Folder(t, checkpoint.Llama), tunetest.Folder(t, checkpoint.GPT2)
	for name, x := range map[string]tunetest.Case{
		"classification": {Folder: llama, Data: tunetest.Classification(), Trainable: blocks*8*((c+c)+(c+kv)) + labelHead,
			Modes: []string{spec.ModeLabels}},
		"instruction, all linear, dropout": {Folder: llama, Data: tunetest.Completion(spec.Instruction), Trainable: blocks * 4 * allLinear,
			Params: map[string]any{"rank": 4, "target_modules": []string{"all-linear"}, "dropout": 0.1, "accumulation": 2},
			Modes:  []string{spec.ModeGenerate, spec.ModeLogprobs, spec.ModeChoices}},
		"generation, merged": {Folder: llama, Data: tunetest.Completion(spec.Generation), Trainable: blocks * (3*(c+c) + 5*(c+kv)),
			Params: map[string]any{"rank": 5, "rank_pattern": []string{"q_proj=3"}, "use_rslora": true, "init_lora_weights": "gaussian", "merge": true, "learning_rate": 1e-2},
			Modes:  []string{spec.ModeGenerate}},
		"gpt2, DoRA and biases": {Folder: gpt2, Data: tunetest.Classification(), Trainable: blocks*(8*(c+3*c)+3*c+3*c) + labelHead,
			Params: map[string]any{"use_dora": true, "bias": "lora_only"}, Modes: []string{spec.ModeLabels}},
		"saved modules": {Folder: llama, Data: tunetest.Completion(spec.Generation), Trainable: blocks * (8*((c+c)+(c+kv)) + c*inner),
			Params: map[string]any{"modules_to_save": []string{"mlp.up_proj"}, "merge": true}, Modes: []string{spec.ModeGenerate}},
		"gpt2": {Folder: gpt2, Data: tunetest.Classification(), Trainable: blocks*8*(c+3*c) + labelHead, Modes: []string{spec.ModeLabels}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Frozen = x.Params["bias"] == nil && x.Params["modules_to_save"] == nil
			tunetest.Check(t, lora{}, x)
		})
	}
}

func TestResultIsAPEFTFolder(t *testing.T) {
	d := tunetest.Completion(spec.Instruction)
	r := tunetest.Run(t, tune.Method(lora{}), tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{
		Params: map[string]any{"max_steps": 3, "rank": 2, "alpha": 4, "target_modules": []string{"o_proj"}}})
	var config map[string]any
	if err := json.Unmarshal([]byte(r.Files(t)[peft.ConfigFile]), &config); err != nil {
		t.Fatal(err)
	}
	if config["peft_type"] != "LORA" || config["r"] != 2.0 || config["lora_alpha"] != 4.0 || config["use_dora"] != false {
		t.Errorf("adapter_config.json is %v", config)
	}
	tensors, err := checkpoint.ReadSafetensors(filepath.Join(r.Artifacts, peft.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range tensors {
		names = append(names, x.Name)
	}
	if want := []string{"base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight", "base_model.model.model.layers.0.self_attn.o_proj.lora_B.weight",
		"base_model.model.model.layers.1.self_attn.o_proj.lora_A.weight", "base_model.model.model.layers.1.self_attn.o_proj.lora_B.weight"}; !slices.Equal(names, want) {
		t.Errorf("tensors %v", names)
	}
	if len(r.Files(t)) != 3 {
		t.Errorf("the result has %d files, expected the adapter's two and tunelab.json", len(r.Files(t)))
	}
}

// Logits of the merged model agree within 1e-4: they are near 10 here.
func TestMergeLeavesAModelThatLoads(t *testing.T) {
	d := tunetest.Completion(spec.Instruction)
	r := tunetest.Run(t, tune.Method(lora{}), tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{
		Params: map[string]any{"epochs": 4, "batch_size": 8, "merge": true, "target_modules": []string{"all-linear"}}})
	if diff := r.Last(t, "merge/max_logit_diff"); !(diff < 1e-4) || diff == 0 {
		t.Errorf("merging changed a logit by %g", diff)
	}
	dir := filepath.Join(r.Artifacts, "model")
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := model.Load(dir, e, model.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := tokenizer.Load(dir); err != nil {
		t.Error(err)
	}
}

func TestMistakesNameTheParameter(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for want, params := range map[string]map[string]any{
		`params.target_modules[0]: "w_proj" names no linear layer`: {"target_modules": []string{"w_proj"}},
		`params.rank_pattern[0]: got "q_proj:3"`:                   {"rank_pattern": []string{"q_proj:3"}},
		`params.rank_pattern["up_proj"]: matches none`:             {"rank_pattern": []string{"up_proj=3"}},
		`params.modules_to_save[0]: "score" names no module`:       {"modules_to_save": []string{"score"}},
		`params.merge: merge: module lm_head shares`:               {"target_modules": []string{"lm_head"}, "merge": true},
	} {
		_, err := tunetest.TryRun(t, tune.Method(lora{}), folder, tunetest.Completion(spec.Generation), tunetest.Options{Params: params})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
}

// The output layer takes no part in what a label head learns.
func TestALabelHeadLeavesTheOutputLayerOut(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for want, params := range map[string]map[string]any{
		"params.target_modules: lm_head takes no part":         {"target_modules": []string{"lm_head"}},
		"params: the output layer (lm_head) would train":       {"modules_to_save": []string{"lm_head"}},
		"params.modules_to_save[0]: \"norms\" names no module": {"modules_to_save": []string{"norms"}},
	} {
		_, err := tunetest.TryRun(t, tune.Method(lora{}), folder, tunetest.Classification(), tunetest.Options{Params: params})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
}
