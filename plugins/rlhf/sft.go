package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// runSFT is the harness' completion training with the chosen responses as the
// answers.
func runSFT(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	sub, err := sftInput(in)
	if err != nil {
		return err
	}
	return sftMethod().Run(ctx, sub, out)
}

func sftMethod() sdk.Method { return tune.Method(whole{}) }

// sftInput is the stage's input as the harness takes it.
func sftInput(in *sdk.Input) (*sdk.Input, error) {
	train, val, err := examples(in)
	if err != nil {
		return nil, err
	}
	sub := *in
	sub.Params = spec.Params{}
	for _, p := range tune.TrainingSchema().Params {
		sub.Params[p.Name] = in.Params["sft_"+p.Name]
	}
	sub.Params["objective"] = tune.Completion
	if sub.Train, err = writeChosen(in, "sft-train.jsonl", train); err != nil {
		return nil, err
	}
	if sub.Validation, err = writeChosen(in, "sft-validation.jsonl", val); err != nil {
		return nil, err
	}
	return &sub, nil
}

// writeChosen writes examples whose answer is the chosen response.
func writeChosen(in *sdk.Input, name string, list []spec.Example) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	path := filepath.Join(in.WorkDir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("write the chosen responses: %w", err)
	}
	defer f.Close()
	enc := json.NewEncoder(f)
	for _, e := range list {
		e.Answer = e.Chosen
		if err := enc.Encode(e); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	return path, f.Close()
}

// whole trains every weight.
type whole struct{}

func (whole) Describe() spec.Method { return spec.Method{Name: "rlhf"} }
func (whole) Schema() spec.Schema   { return spec.Schema{} }

func (whole) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	if err := tune.NeedsFloat(m); err != nil {
		return nil, err
	}
	return attached{m, r.Tok}, nil
}

func (whole) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	return model.Load(filepath.Join(dir, modelDir), m.Engine(), model.Options{})
}

type attached struct {
	m   *model.Model
	tok *tokenizer.Tokenizer
}

func (a attached) Params() []*autograd.Param { return a.m.Params() }
func (a attached) Save(dir string) error     { return saveModel(a.m, a.tok, dir) }

// saveModel writes a whole model in Hugging Face form, tokenizer included.
func saveModel(m *model.Model, tok *tokenizer.Tokenizer, dir string) error {
	path := filepath.Join(dir, modelDir)
	if err := m.Save(path); err != nil {
		return err
	}
	return tok.Save(path)
}
