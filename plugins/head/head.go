package main

import (
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// head freezes the whole body: what trains is the label head, that which the
// harness adds to a decoder for the classify objective, or of an encoder's what
// the pretrained model does not have.
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
		{Name: "objective", Type: "string", Default: tune.Classify, Choices: []string{tune.Classify}, Description: "a label head is all that trains: a linear layer on a decoder's last token, on an encoder what transformers' sequence classification adds to the pretrained model", Source: "Radford et al. 2018, section 3.2; Devlin et al. 2019, section 4.1"},
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

func (head) AttachEncoder(c *encoder.Classifier, _ tune.Request) (tune.Attached, error) {
	c.Encoder().Freeze()
	return labels{c}, nil
}

func (head) RestoreEncoder(c *encoder.Classifier, _ spec.Params, dir string) (*encoder.Classifier, error) {
	return c, c.LoadHead(filepath.Join(dir, tune.HeadFile))
}

// labels is the label head of an encoder.
type labels struct{ c *encoder.Classifier }

func (l labels) Params() []*autograd.Param { return l.c.New() }
func (l labels) Save(dir string) error     { return l.c.SaveHead(filepath.Join(dir, tune.HeadFile)) }

// nothing is the empty adapter.
type nothing struct{}

func (nothing) Params() []*autograd.Param { return nil }
func (nothing) Save(string) error         { return nil }
