package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/base"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

// exported is a run's result and what was written of it.
type exported struct {
	t           *testing.T
	id          string
	result, dir string
	Kind        string
	Notes       []string
}

// exportRun trains a label head for two steps and exports the result.
func exportRun(t *testing.T, state, model, method string, args ...string) *exported {
	t.Helper()
	dir := t.TempDir()
	for i, name := range []string{"train.jsonl", "test.jsonl"} {
		rows := ""
		for j := range 8 {
			rows += fmt.Sprintf(`{"text": "the %d. dog of %d", "label": %d}`+"\n", j, i, j%2)
		}
		write(t, dir, name, rows)
	}
	task := write(t, dir, "task.yaml", `{name: dogs, kind: classification, prompt: "{text}", label: label, labels: [negative, positive], data: {train: train.jsonl, test: test.jsonl}}`)
	run := []string{"--dir", state, "run", method, "-t", task, "-p", "max_steps=2"}
	if model != "" {
		run = append(run, "-m", model)
	}
	ok(t, run...)
	return export(t, state, runsOf(t, state, method)[0].ID, args...)
}

func export(t *testing.T, state, id string, args ...string) *exported {
	t.Helper()
	x := &exported{t: t, id: id, dir: filepath.Join(t.TempDir(), "out")}
	x.result = filepath.Join(state, "runs", x.id, "result")
	fromJSON(t, x, append([]string{"--dir", state, "export", x.id, "--to", x.dir}, args...)...)
	return x
}

// tensors are those of a file, by name.
func tensors(t *testing.T, path string) map[string]checkpoint.Tensor {
	t.Helper()
	list, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]checkpoint.Tensor{}
	for _, x := range list {
		out[x.Name] = x
	}
	return out
}

// score checks that a file holds the run's label head under the name.
func (x *exported) score(file, name string) {
	x.t.Helper()
	want := tensors(x.t, filepath.Join(x.result, "score.safetensors"))["score.weight"]
	if got := tensors(x.t, filepath.Join(x.dir, file))[name]; len(want.Data) == 0 || !slices.Equal(got.Data, want.Data) || !slices.Equal(got.Shape, want.Shape) {
		x.t.Errorf("%s %s has shape %v, the run's head %v, or other values", file, name, got.Shape, want.Shape)
	}
	if _, err := os.Stat(filepath.Join(x.dir, "score.safetensors")); err == nil {
		x.t.Error("the head lies beside the folder's files too")
	}
}

// A whole model with a label head is exported as transformers' class for it, an
// untied output layer left out; as a language model it is refused by name.
func TestExportOfAClassifier(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	model, err := base.Unpack(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"full", "head", "lora"} {
		args := map[string][]string{"full": nil}[method]
		if method != "full" {
			args = []string{"--merge"}
		}
		x := exportRun(t, state, model, method, args...)
		cfg, err := checkpoint.ReadConfig(x.dir)
		if err != nil || !reflect.DeepEqual(cfg.Labels, []string{"negative", "positive"}) || x.Kind != "model" || cfg.PAD != 0 {
			t.Errorf("%s: %s of labels %q, padding %d (%v)", method, x.Kind, cfg.Labels, cfg.PAD, err)
		}
		x.score("model.safetensors", "score.weight")
		body := filepath.Join(model, "model.safetensors")
		if method == "full" {
			body = filepath.Join(x.result, "model", "model.safetensors")
		}
		got, moved := tensors(t, filepath.Join(x.dir, "model.safetensors")), 0
		delete(got, "score.weight")
		for name, want := range tensors(t, body) {
			if !slices.Equal(got[name].Data, want.Data) {
				moved++
			}
			delete(got, name)
		}
		if want := map[string]int{"lora": 12}[method]; moved != want || len(got) != 0 { // q and v of six blocks
			t.Errorf("%s: %d tensors differ from the body's, expected %d; beside them %v", method, moved, want, got)
		}
		text := write(t, dir, "text.jsonl", `{"text":"a"}`)
		for _, args := range [][]string{{"score", "--text", text}, {"generate", "--prompt", "a"}, {"run", "lora", "-t", "sentiment"}} {
			if code, _, errOut := tunelab(append(append([]string{"--dir", state}, args...), "-m", x.dir)...); code == 0 || !strings.Contains(errOut, "is a classifier of 2 labels (negative, ...)") {
				t.Errorf("%s of the classifier: exit code %d, %s", args[0], code, errOut)
			}
		}
	}
}

// A reward model is a classifier of one label.
func TestExportOfARewardModel(t *testing.T) {
	state := t.TempDir()
	ok(t, "--dir", state, "run", "rlhf", "-t", "explain", "--examples", "8", "-p", "sft_max_steps=1", "-p", "reward_epochs=1", "-p", "ppo_total_episodes=8", "-p", "ppo_batch_size=8")
	for _, r := range runsOf(t, state, "rlhf") {
		if r.Stage != "reward" {
			continue
		}
		x := export(t, state, r.ID)
		if cfg, err := checkpoint.ReadConfig(x.dir); err != nil || !slices.Equal(cfg.Labels, []string{"reward"}) || x.Kind != "model" {
			t.Errorf("%s of labels %q (%v)", x.Kind, cfg.Labels, err)
		}
		x.score("model.safetensors", "score.weight")
		return
	}
	t.Error("the chain has no reward stage")
}

// The label head beside a LoRA adapter is where PEFT keeps it, and the base model
// is named.
func TestExportOfAnAdapterWithALabelHead(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	model, err := base.Unpack(dir)
	if err != nil {
		t.Fatal(err)
	}
	config := func(x *exported) (c struct {
		Base    *string  `json:"base_model_name_or_path"`
		Task    string   `json:"task_type"`
		Modules []string `json:"modules_to_save"`
		DoRA    bool     `json:"use_dora"`
	}) {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(x.dir, "adapter_config.json"))
		if err == nil {
			err = json.Unmarshal(raw, &c)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	x := exportRun(t, state, model, "lora")
	if c := config(x); c.Base == nil || *c.Base != model || c.Task != "SEQ_CLS" || !slices.Equal(c.Modules, []string{"classifier", "score"}) || x.Kind != "adapter" {
		t.Errorf("exported as %s: %+v", x.Kind, c)
	}
	x.score("adapter_model.safetensors", "base_model.model.score.weight")
	if got, want := tensors(t, filepath.Join(x.dir, "adapter_model.safetensors")), tensors(t, filepath.Join(x.result, "adapter_model.safetensors")); len(got) != len(want)+1 {
		t.Errorf("%d tensors, the run's adapter has %d", len(got), len(want))
	}
	if len(x.Notes) != 1 || !strings.Contains(x.Notes[0], "num_labels=2, pad_token_id=0); rows of its score: negative, positive") {
		t.Errorf("notes %q", x.Notes)
	}
	text := write(t, dir, "text.jsonl", `{"text":"a"}`)
	if code, _, errOut := tunelab("--dir", state, "score", "-m", model, "--adapter", x.dir, "--text", text); code == 0 || !strings.Contains(errOut, "the adapter holds a label head") {
		t.Errorf("score with the adapter: exit code %d, %s", code, errOut)
	}
	if x := exportRun(t, state, "", "lora"); config(x).Base != nil || len(x.Notes) != 2 || !strings.Contains(x.Notes[0], "tunelab's embedded one") {
		t.Errorf("on the embedded model: base %v, notes %q", config(x).Base, x.Notes)
	}

	// transformers has no such class of Granite: the head stays beside the adapter.
	granite := filepath.Join(dir, "granite")
	if err := os.Mkdir(granite, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tiny.Model(granite, checkpoint.Granite); err != nil {
		t.Fatal(err)
	}
	x = exportRun(t, state, granite, "lora")
	if c := config(x); c.Task != "CAUSAL_LM" || c.Modules != nil || len(x.Notes) != 1 || !strings.Contains(x.Notes[0], "transformers has no class of granite") {
		t.Errorf("on granite: %+v, notes %q", c, x.Notes)
	}
	if _, err := os.Stat(filepath.Join(x.dir, "score.safetensors")); err != nil {
		t.Error(err)
	}
	if code, _, errOut := tunelab("--dir", state, "export", x.id, "--merge", "--to", filepath.Join(dir, "refused")); code == 0 || !strings.Contains(errOut, "transformers has no class of granite") {
		t.Errorf("merged on granite: exit code %d, %s", code, errOut)
	}
}
