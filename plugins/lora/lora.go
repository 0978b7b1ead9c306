package main

import (
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

// lora trains low-rank updates of linear layers of the frozen model.
type lora struct{}

func (lora) Describe() spec.Method {
	return spec.Method{
		Name: "lora", Version: "0.1.0", Family: "peft",
		Summary:  "low-rank adaptation: small matrices beside frozen weights train",
		Citation: "Hu et al. 2022, LoRA: Low-Rank Adaptation of Large Language Models, section 4.1",
	}
}

func (lora) Schema() spec.Schema {
	s := tune.LoRASchema()
	s.Params = append(s.Params, spec.Param{Name: "merge", Type: "bool", Default: false,
		Description: "also writes the model with the update merged into its weights, under model/, and logs the largest difference of a logit", Source: "Hu et al. 2022, section 4.1; PEFT merge_and_unload"})
	return s
}

func (lora) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	c, err := tune.LoRAConfig(r.Params)
	if err != nil {
		return nil, err
	}
	l, err := tune.AttachLoRA(m, c, r.RNG)
	if err != nil || !r.Params.Bool("merge") {
		return l, err
	}
	if err := l.Merge(); err != nil { // before training, not after it
		return nil, sdk.Fail("params.merge", err.Error(), "adapt other modules, or leave merge off")
	}
	l.Unmerge()
	return &merging{l, r}, nil
}

func (lora) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := peft.Load(m, dir)
	return m, err
}

// merging is an adapter that also leaves a merged model.
type merging struct {
	*tune.LoRA
	r tune.Request
}

func (a *merging) Save(dir string) error {
	d, err := a.MergeError(a.r.Probe)
	if err != nil {
		return fmt.Errorf("params.merge: %w", err)
	}
	a.r.Metric("merge/max_logit_diff", d)
	out := filepath.Join(dir, "model")
	if err := a.SaveMerged(out); err != nil {
		return fmt.Errorf("params.merge: %w", err)
	}
	if err := a.r.Tok.Save(out); err != nil {
		return err
	}
	return a.LoRA.Save(dir)
}
