package peft

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

func read(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestConfigFile(t *testing.T) {
	l := attach(t, load(t, "gpt2"), Config{Rank: 2, Alpha: 4, Dropout: 0.25, RSLoRA: true, Base: "gpt2", Init: InitGaussian,
		Targets: []string{AllLinear}, RankPattern: []Override{{"c_fc", 3}, {"c_attn", 1}}})
	dir := t.TempDir()
	if err := l.Save(dir); err != nil {
		t.Fatal(err)
	}
	want := `{
  "alpha_pattern": {},
  "base_model_name_or_path": "gpt2",
  "bias": "none",
  "fan_in_fan_out": true,
  "inference_mode": true,
  "init_lora_weights": "gaussian",
  "lora_alpha": 4,
  "lora_dropout": 0.25,
  "modules_to_save": null,
  "peft_type": "LORA",
  "r": 2,
  "rank_pattern": {
    "c_fc": 3,
    "c_attn": 1
  },
  "target_modules": [
    "c_attn",
    "c_fc",
    "c_proj"
  ],
  "task_type": "CAUSAL_LM",
  "use_dora": false,
  "use_rslora": true
}
`
	if got := read(t, dir, ConfigFile); got != want {
		t.Errorf("got\n%s\nexpected\n%s", got, want)
	}
}

// PEFT tries a regular expression on every module, activations included, and
// refuses those; so the adapted layers are written out.
func TestRegularExpressionsAreSavedAsTheLayersTheyName(t *testing.T) {
	dir := t.TempDir()
	if err := attach(t, load(t, "llama"), Config{Targets: []string{`.*\.1\.mlp\..*`, "o_proj"}}).Save(dir); err != nil {
		t.Fatal(err)
	}
	var config struct {
		Targets []string `json:"target_modules"`
	}
	if err := json.Unmarshal([]byte(read(t, dir, ConfigFile)), &config); err != nil {
		t.Fatal(err)
	}
	want := "model.layers.0.self_attn.o_proj model.layers.1.mlp.down_proj model.layers.1.mlp.gate_proj model.layers.1.mlp.up_proj model.layers.1.self_attn.o_proj"
	if got := strings.Join(config.Targets, " "); got != want {
		t.Errorf("target_modules %s", got)
	}
}

// write saves a small adapter and lets change alter its files.
func write(t *testing.T, change func(config map[string]any, tensors []checkpoint.Tensor) []checkpoint.Tensor) string {
	t.Helper()
	dir := t.TempDir()
	if err := attach(t, load(t, "llama"), Config{Rank: 2, Targets: []string{"v_proj"}}).Save(dir); err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(read(t, dir, ConfigFile)), &config); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, WeightsFile)
	tensors, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors = change(config, tensors)
	if err := checkpoint.WriteSafetensors(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoadRefusesByFieldName(t *testing.T) {
	for want, fields := range map[string]map[string]any{
		"use_qalora: true is not supported":                {"use_qalora": true},
		"lora_bias: true is not supported":                 {"lora_bias": true},
		"trainable_token_indices: [3] is not supported":    {"trainable_token_indices": []int{3}},
		`target_parameters: ["w"] is not supported`:        {"target_parameters": []string{"w"}},
		"ensure_weight_tying: true is not supported":       {"ensure_weight_tying": true},
		`modules_to_save[0]: "score" names no module`:      {"modules_to_save": []string{"score"}},
		"modules_to_save: got 3":                           {"modules_to_save": 3},
		`self_attn.v_proj.weight" is missing`:              {"modules_to_save": []string{"1.self_attn.v_proj"}},
		`bias: "some" is not supported`:                    {"bias": "some"},
		`lora_magnitude_vector" is missing`:                {"use_dora": true},
		`peft_type: "IA3" is not supported, only "LORA"`:   {"peft_type": "IA3"},
		"peft_type: is missing":                            {"peft_type": nil},
		"target_modules: is missing":                       {"target_modules": nil},
		`peft_type: "PROMPT_TUNING" is not supported`:      {"peft_type": "PROMPT_TUNING"},
		`save_pretrained(..., path_initial`:                {"init_lora_weights": "pissa_niter_4"},
		`init_lora_weights: "loftq" is not supported`:      {"init_lora_weights": "loftq"},
		"layers.0.self_attn.v_proj.lora_A.weight":          {"layers_to_transform": []int{1}}, // an unexpected tensor
		"layers_to_transform: does not go with":            {"layers_to_transform": 1, "target_modules": ".*v_proj"},
		"layers_pattern: says in which lists":              {"layers_pattern": "layers"},
		"target_modules: exclude_modules, layers":          {"exclude_modules": []string{"v_proj"}},
		`exclude_modules[0]: "(" is neither`:               {"exclude_modules": "("},
		`target_modules[0]: "embed_tokens" is the token`:   {"target_modules": []string{"embed_tokens"}},
		"a_field_of_tomorrow: 2 is not supported":          {"a_field_of_tomorrow": 2},
		"fan_in_fan_out: true is for GPT-2":                {"fan_in_fan_out": true},
		"r: 0 is not a rank":                               {"r": 0},
		`r: got "eight"`:                                   {"r": "eight"},
		`target_modules[1]: ".*v" is not a module name`:    {"target_modules": []string{"v_proj", ".*v"}},
		`target_modules[0]: "w_proj" names no linear`:      {"target_modules": []string{"w_proj"}},
		`target_modules[0]: "(?:v_proj)" names no linear`:  {"target_modules": "v_proj"}, // a regular expression for whole names
		`rank_pattern["v_proj"]: expected a number`:        {"rank_pattern": map[string]any{"v_proj": "x"}},
		"rank_pattern: got [1], expected an object":        {"rank_pattern": []int{1}},
		"has shape [2 32], expected [3 32]":                {"r": 3},
		`lora_A.weight" is missing`:                        {"target_modules": []string{"v_proj", "q_proj"}},
		`unexpected tensor "base_model.model.model.layers`: {"target_modules": `.*0\.self_attn\.v_proj`},
	} {
		dir := write(t, func(c map[string]any, ts []checkpoint.Tensor) []checkpoint.Tensor {
			maps.Copy(c, fields)
			return ts
		})
		m := load(t, "llama")
		if _, err := Load(m, dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
		for _, l := range m.Linears() {
			if l.Adapt != nil || !l.W.Trainable {
				t.Fatalf("%s: the failed load changed the model", want)
			}
		}
	}
}

func TestLoadIsStrictAboutTensors(t *testing.T) {
	for want, change := range map[string]func(ts []checkpoint.Tensor) []checkpoint.Tensor{
		`"base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight" is missing`: func(ts []checkpoint.Tensor) []checkpoint.Tensor { return ts[1:] },
		`unexpected tensor "base_model.model.score.weight"`: func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			return append(ts, checkpoint.Tensor{Name: "base_model.model.score.weight", Shape: []int{1}, Data: []float32{1}})
		},
		"is not this model's weight": func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			return append(ts, checkpoint.Tensor{Name: "base_model.model.model.layers.0.self_attn.v_proj.base_layer.weight", Shape: []int{16, 32}, Data: make([]float32, 512)})
		},
		"has shape [32 2], expected [2 32]": func(ts []checkpoint.Tensor) []checkpoint.Tensor {
			ts[0].Shape = []int{32, 2}
			return ts
		},
	} {
		dir := write(t, func(_ map[string]any, ts []checkpoint.Tensor) []checkpoint.Tensor { return change(ts) })
		if _, err := Load(load(t, "llama"), dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
	if _, err := Load(load(t, "llama"), t.TempDir()); err == nil || !strings.Contains(err.Error(), ConfigFile) {
		t.Errorf("an empty folder: %v", err)
	}
}
