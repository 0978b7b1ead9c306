package main

import (
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// head freezes the whole body: what trains is the label head that the harness
// adds for the classify objective.
type head struct{}

func (head) Describe() spec.Method {
	return spec.Method{
		Name: "head", Version: "0.1.0", Family: "classic",
		Summary:  "a new output layer trained by gradient on the frozen model",
		Citation: "Yosinski et al. 2014, How transferable are features in deep neural networks?, section 2",
		Tasks:    []string{spec.Classification},
		Modes:    []string{spec.ModeLabels, spec.ModeLogprobs},
	}
}

func (head) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "objective", Type: "string", Default: tune.Classify, Choices: []string{tune.Classify}, Description: "a label head on the last token is all that trains", Source: "Radford et al. 2018, section 3.2"},
		{Name: "learning_rate", Type: "float", Default: 1e-2, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; a lone linear layer takes a larger one than a whole model", Source: "transformers TrainingArguments"},
	}}
}

func (head) Attach(m *model.Model, _ tune.Request) (tune.Attached, error) {
	for _, w := range m.Params() {
		w.Trainable = false
	}
	return nothing{}, nil
}

func (head) Restore(m *model.Model, _ spec.Params, _ string) (*model.Model, error) { return m, nil }

// nothing is the empty adapter.
type nothing struct{}

func (nothing) Params() []*autograd.Param { return nil }
func (nothing) Save(string) error         { return nil }
