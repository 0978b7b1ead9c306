package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

const (
	c, kv, inner = tunetest.Hidden, tunetest.Hidden / 2, tunetest.Inner
	blocks       = tunetest.Layers
)

// every weight of tunetest's Llama with a vocabulary of v.
func all(v int64) int64 { return v*c + blocks*(2*c*c+2*c*kv+3*c*inner+2*c) + c }

func vocabulary(t *testing.T, folder string) int64 {
	t.Helper()
	tok, err := tokenizer.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return int64(tok.VocabSize())
}

func preference() tunetest.Data {
	d := tunetest.Completion(spec.Preference)
	d.Task.Answer, d.Task.Chosen, d.Task.Rejected = "{answer}", "{answer}", "none"
	for _, split := range [][]spec.Example{d.Train, d.Validation} {
		for i := range split {
			split[i].Chosen, split[i].Rejected = split[i].Answer, "none"
		}
	}
	return d
}

func TestSFT(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	v := vocabulary(t, folder)
	for name, x := range map[string]tunetest.Case{
		"instruction":    {Data: tunetest.Completion(spec.Instruction), Trainable: all(v), Modes: []string{spec.ModeGenerate, spec.ModeLogprobs}},
		"classification": {Data: tunetest.Classification(), Trainable: all(v), Modes: []string{spec.ModeLabels, spec.ModeChoices}},
		"preference":     {Data: preference(), Trainable: all(v), Modes: []string{spec.ModeGenerate}},
		"lora": {Data: tunetest.Completion(spec.Generation), Trainable: blocks * 8 * ((c + c) + (c + kv)), Modes: []string{spec.ModeGenerate},
			Params: map[string]any{"adapter": "lora", "dropout": 0.1, "learning_rate": 1e-2}},
	} {
		t.Run(name, func(t *testing.T) {
			x.Folder = folder
			tunetest.Check(t, sft{}, x)
		})
	}
}

func TestLearnsToAnswerByTheLabelsText(t *testing.T) {
	d := tunetest.Classification()
	m := tune.Method(sft{})
	r := tunetest.Run(t, m, tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{Params: map[string]any{"epochs": 30, "batch_size": 8, "learning_rate": 3e-3}})
	hits := 0
	d.Validation = d.Train // learnt, not generalised: 24 examples teach a random model no more
	for i, p := range r.Predict(t, m, d, spec.ModeLabels) {
		if len(p.Scores) != 2 || len(p.Lengths) != 2 {
			t.Fatalf("got %+v, expected a log-likelihood and a length for each label", p)
		}
		if (p.Scores[1] > p.Scores[0]) == (d.Validation[i].Label == 1) {
			hits++
		}
	}
	if hits < 23 {
		t.Errorf("%d of %d training examples right after 30 epochs", hits, len(d.Train))
	}
}

func TestLogsWhatIsSupervised(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Completion(spec.Instruction)
	tok, err := tokenizer.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	tokens, supervised := 0, 0
	for _, e := range d.Train {
		ids, n := generate.EncodePair(tok, e.Prompt, " "+e.Answer)
		tokens, supervised = tokens+len(ids)+1, supervised+len(ids)-n+1
	}
	r := tunetest.Run(t, tune.Method(sft{}), folder, d, tunetest.Options{Params: map[string]any{"max_steps": 2}})
	if got, want := r.First(t, "data/supervised_share"), float64(supervised)/float64(tokens); got != want {
		t.Errorf("%g of the tokens are supervised, expected %g", got, want)
	}
	if got := r.First(t, "data/eos_supervised"); got != 1 {
		t.Errorf("the end token is supervised in %g of the examples", got)
	}
	for name, n := range map[string]int{"train/loss": 2, "train/mean_token_accuracy": 2, "train/num_tokens": 2, "train/grad_norm": 2,
		"eval/loss": 3, "eval/mean_token_accuracy": 3, "eval/entropy": 3} { // before, after each epoch of one step
		if len(r.Metrics[name]) != n {
			t.Errorf("%d values of %s in two steps, expected %d", len(r.Metrics[name]), name, n)
		}
	}
}

// Training and a chat rendered by the stored template give the same tokens.
func TestTheTemplateRendersWhatWasTrainedOn(t *testing.T) {
	folder := tunetest.Folder(t, checkpoint.Llama)
	for name, x := range map[string]struct {
		d       tunetest.Data
		content func(spec.Example) string
	}{
		"one field":    {tunetest.Completion(spec.Instruction), func(e spec.Example) string { return e.Fields["n"].(string) }},
		"whole prompt": {sectioned(), func(e spec.Example) string { return e.Prompt }},
	} {
		t.Run(name, func(t *testing.T) {
			r := tunetest.Run(t, tune.Method(sft{}), folder, x.d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
			if len(r.Logs) != 0 {
				t.Errorf("logged %v", r.Logs)
			}
			tok, err := tokenizer.Load(filepath.Join(r.Artifacts, "model"))
			if err != nil {
				t.Fatal(err)
			}
			template := conversation(x.d.Task, tok)
			if hash, err := chat.DefaultHash(filepath.Join(r.Artifacts, "model")); err != nil || hash != template.Hash() {
				t.Errorf("the stored template's hash is %s, want %s: %v", hash, template.Hash(), err)
			}
			for _, e := range x.d.Train[:3] {
				text, err := template.Render([]chat.Message{{Role: chat.User, Content: x.content(e)}, {Role: chat.Assistant, Content: e.Answer}}, false)
				if err != nil {
					t.Fatal(err)
				}
				want := append(tok.Encode(e.Prompt+x.d.Task.Delimiter+e.Answer, true), tok.EOS())
				if got := tok.Encode(text, false); !slices.Equal(got, want) {
					t.Errorf("%q encodes to %v, trained on %v", text, got, want)
				}
			}
		})
	}
}

// sectioned has a prompt that no single message fills.
func sectioned() tunetest.Data {
	d := tunetest.Completion(spec.Instruction)
	d.Task.Prompt = "After {n}:{?hint} {hint}{/hint}"
	return d
}

func TestAnotherTemplateIsRefused(t *testing.T) {
	d, m := tunetest.Completion(spec.Instruction), tune.Method(sft{})
	r := tunetest.Run(t, m, tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{Params: map[string]any{"max_steps": 1}})
	if _, err := r.TryPredict(t, m, d, spec.ModeGenerate); err != nil {
		t.Fatal(err)
	}
	other := d
	other.Task.Prompt = "Behind {n}:"
	if _, err := r.TryPredict(t, m, other, spec.ModeGenerate); err == nil || !strings.Contains(err.Error(), "task.prompt: task next asks by another template") {
		t.Errorf("another task: %v", err)
	}
	file := filepath.Join(r.Artifacts, "model", chat.File)
	if err := os.WriteFile(file, []byte("{{ messages }}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.TryPredict(t, m, d, spec.ModeGenerate); err == nil || !strings.Contains(err.Error(), "chat_template.jinja: its hash") {
		t.Errorf("another file: %v", err)
	}
}

func TestLoRALeavesBothForms(t *testing.T) {
	d := tunetest.Completion(spec.Generation)
	r := tunetest.Run(t, tune.Method(sft{}), tunetest.Folder(t, checkpoint.Llama), d, tunetest.Options{
		Params: map[string]any{"adapter": "lora", "epochs": 4, "batch_size": 8, "learning_rate": 5e-3}})
	files := r.Files(t)
	for _, name := range []string{peft.ConfigFile, peft.WeightsFile, "model/model.safetensors", "model/config.json", "model/tokenizer.json", "model/chat_template.jinja", "sft.json"} {
		if _, ok := files[name]; !ok {
			t.Errorf("the result lacks %s", name)
		}
	}
	if got := r.Last(t, "merge/max_logit_diff"); !(got < 1e-4) || got == 0 {
		t.Errorf("merging changed a logit by %g", got)
	}
}
