package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// sft trains on prompts and completions, with loss on the completion. Its
// result is a whole model in Hugging Face form under model/, with the chat
// template that renders what was trained on.
type sft struct{}

var _ tune.TaskChecker = sft{}

func (sft) Describe() spec.Method {
	return spec.Method{
		Name: "sft", Version: "0.1.0", Family: "alignment",
		Summary:  "supervised instruction tuning: loss on the completion only, chat template stored with the model",
		Citation: "Ouyang et al. 2022, Training language models to follow instructions with human feedback, section 3.5",
		Tasks:    []string{spec.Instruction, spec.Generation, spec.Preference, spec.Classification},
	}
}

// What "adapter" can be.
const (
	allWeights = "none"
	lowRank    = "lora"
)

func (sft) Schema() spec.Schema {
	s := spec.Schema{Params: []spec.Param{
		{Name: "objective", Type: "string", Default: tune.Completion, Choices: []string{tune.Completion}, Description: "cross-entropy on the completion's tokens and the end token; on a task with labels the completion is the label's text", Source: "default of TRL for prompt-completion data"},
		{Name: "learning_rate", Type: "float", Default: 1e-3, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; with adapter: lora take about five times as much", Source: "full fine-tuning's here; TRL's 2e-5 is for models of billions of parameters"},
		{Name: "adapter", Type: "string", Default: allWeights, Choices: []string{allWeights, lowRank}, Description: "none: every weight trains; lora: low-rank adapters, merged into the weights at the end", Source: "Hu et al. 2022, section 4; TRL SFTTrainer, peft_config"},
	}}
	for _, p := range tune.LoRASchema().Params {
		if p.Name != "learning_rate" {
			p.Description += " (adapter: lora)"
			s.Params = append(s.Params, p)
		}
	}
	return s
}

func (sft) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	if err := tune.NeedsFloat(m); err != nil { // the result is a whole model
		return nil, err
	}
	a := &tuned{m: m, r: r, template: conversation(r.Task, r.Tok)}
	if !rendersAlike(r.Task, r.Tok, a.template) {
		r.Log("warning", "the chat template's text is tokenised otherwise than the training examples: the tokenizer does not read its start or end token from text")
	}
	if r.Params.String("adapter") == lowRank {
		c, err := tune.LoRAConfig(r.Params)
		if err != nil {
			return nil, err
		}
		if a.lora, err = tune.AttachLoRA(m, c, r.RNG); err != nil {
			return nil, err
		}
		if err := a.lora.Merge(); err != nil { // before training, not after it
			return nil, sdk.Fail("params.target_modules", err.Error(), "")
		}
		a.lora.Unmerge()
		return a, nil
	}
	for _, w := range m.Params() {
		w.Trainable = true
	}
	return a, nil
}

// tuned is a model in training, by an adapter where there is one.
type tuned struct {
	lora     *tune.LoRA // nil: all weights train
	m        *model.Model
	r        tune.Request
	template chat.Template
}

func (a *tuned) Params() []*autograd.Param {
	if a.lora != nil {
		return a.lora.Params()
	}
	return a.m.Params()
}

func (a *tuned) DropoutKey(key uint64) {
	if a.lora != nil {
		a.lora.DropoutKey(key)
	}
}

// Save merges an adapter for good, so that the model answers as the saved one
// does, and keeps the adapter's own files beside it.
func (a *tuned) Save(dir string) error {
	if a.lora != nil {
		d, err := a.lora.MergeError(a.r.Probe)
		if err != nil {
			return err
		}
		a.r.Metric("merge/max_logit_diff", d)
		if err := a.lora.Save(dir); err != nil {
			return err
		}
		if err := a.lora.Merge(); err != nil {
			return err
		}
	}
	out := filepath.Join(dir, "model")
	if err := a.m.Save(out); err != nil {
		return err
	}
	if err := a.r.Tok.Save(out); err != nil {
		return err
	}
	if err := a.template.Save(out); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(record{TemplateSHA256: a.template.Hash()}, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.WriteAtomic(filepath.Join(dir, recordFile), func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
}

// record stands beside the model.
type record struct {
	TemplateSHA256 string `json:"chat_template_sha256"` // of the text trained on
}

const recordFile = "sft.json"

// CheckTask refuses a folder whose chat template is not the one trained on,
// and a task that would ask otherwise than the training did.
func (sft) CheckTask(task spec.Task, tok *tokenizer.Tokenizer, dir string) error {
	path := filepath.Join(dir, recordFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the run's result: %w", err)
	}
	var rec record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out := filepath.Join(dir, "model")
	hash, err := chat.DefaultHash(out)
	if err != nil {
		return err
	}
	if hash != rec.TemplateSHA256 {
		return fmt.Errorf("%s: its hash %.12s is not that of the template trained on (%.12s in %s): restore the file", filepath.Join(out, chat.File), hash, rec.TemplateSHA256, recordFile)
	}
	if hash := conversation(task, tok).Hash(); hash != rec.TemplateSHA256 {
		return sdk.Fail("task.prompt", fmt.Sprintf("task %s asks by another template (%.12s) than the model was trained on (%.12s)", task.Name, hash, rec.TemplateSHA256),
			"use the prompt and delimiter of the training run's task")
	}
	return nil
}

func (sft) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	out, err := model.Load(filepath.Join(dir, "model"), m.Engine(), model.Options{})
	if err != nil {
		return nil, fmt.Errorf("load the tuned model: %w", err)
	}
	return out, nil
}
