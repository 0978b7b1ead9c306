package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// full trains every parameter; its result is a whole model in Hugging Face
// form under model/, an encoder's with its label head.
type full struct{}

func (full) Describe() spec.Method {
	return spec.Method{
		Name: "full", Version: "0.1.0", Family: "classic",
		Summary:  "full fine-tuning: all weights train",
		Citation: "Howard and Ruder 2018, Universal Language Model Fine-tuning for Text Classification, section 3; Devlin et al. 2019, BERT, section 4",
	}
}

func (full) Schema() spec.Schema { return spec.Schema{} }

func (full) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	if err := tune.NeedsFloat(m); err != nil {
		return nil, err
	}
	var trains []*autograd.Param
	for _, w := range m.Params() {
		// An untied output layer takes no part in a label head's loss.
		if strings.HasPrefix(w.Name, "lm_head.") && r.Classify {
			w.Trainable = false
			continue
		}
		w.Trainable = true
		trains = append(trains, w)
	}
	return &whole{m, r.Tok, trains}, nil
}

func (full) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	out, err := model.Load(filepath.Join(dir, "model"), m.Engine(), model.Options{})
	if err != nil {
		return nil, fmt.Errorf("load the tuned model: %w", err)
	}
	return out, nil
}

func (full) AttachEncoder(c *encoder.Classifier, r tune.Request) (tune.Attached, error) {
	trains := append(c.Encoder().Params(), c.Params()...)
	for _, w := range trains {
		w.Trainable = true
	}
	return &classifier{c, r, trains}, nil
}

func (full) RestoreEncoder(c *encoder.Classifier, _ spec.Params, dir string) (*encoder.Classifier, error) {
	out, err := encoder.LoadClassifier(filepath.Join(dir, "model"), c.Encoder().Engine())
	if err != nil {
		return nil, fmt.Errorf("load the tuned model: %w", err)
	}
	return out, nil
}

// classifier is an encoder in training, label head included.
type classifier struct {
	c      *encoder.Classifier
	r      tune.Request
	params []*autograd.Param
}

func (c *classifier) Params() []*autograd.Param { return c.params }

func (c *classifier) Save(dir string) error {
	folder := filepath.Join(dir, "model")
	if err := c.c.Save(folder, c.r.Task.Labels); err != nil {
		return err
	}
	return c.r.Tok.Save(folder)
}

type whole struct {
	m      *model.Model
	tok    *tokenizer.Tokenizer
	params []*autograd.Param
}

func (w *whole) Params() []*autograd.Param { return w.params }
func (w *whole) Save(dir string) error {
	folder := filepath.Join(dir, "model")
	if err := w.m.Save(folder); err != nil {
		return err
	}
	return w.tok.Save(folder)
}
