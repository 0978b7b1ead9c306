package main

import (
	"math"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

// adapter is LoRA on q_proj, with which runs are short. Three of its names can
// merge, of which one writes another model and one rounds the base's weights.
type adapter struct{ name string }

func (a adapter) merges() bool {
	return a.name == "sound" || a.name == "merges-more" || a.name == "unmerges-roughly"
}

func (a adapter) Describe() spec.Method {
	return spec.Method{Name: a.name, Version: "1.0.0", Family: "peft", Summary: "a plugin that is wrong in one way",
		Tasks: []string{spec.Instruction}, Modes: []string{spec.ModeGenerate, spec.ModeLogprobs}}
}

func (a adapter) Schema() spec.Schema {
	s := spec.Schema{Params: []spec.Param{{Name: "rank", Type: "int", Default: 2, Min: spec.At(1), Max: spec.At(64), Description: "of the update"}}}
	if a.merges() {
		s.Params = append(s.Params, spec.Param{Name: "merge", Type: "bool", Default: false, Description: "also writes the merged model"})
	}
	return s
}

var targets = []string{"q_proj"}

func (a adapter) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	if err := a.round(m, r.Params); err != nil {
		return nil, err
	}
	l, err := tune.AttachLoRA(m, peft.Config{Rank: r.Params.Int("rank"), Alpha: 4, Targets: targets}, r.RNG)
	if err != nil || !a.merging(r.Params) {
		return l, err
	}
	return &merged{l, m, r, a.name == "merges-more"}, nil
}

func (a adapter) Restore(m *model.Model, p spec.Params, dir string) (*model.Model, error) {
	if err := a.round(m, p); err != nil {
		return nil, err
	}
	_, err := peft.Load(m, dir)
	return m, err
}

func (a adapter) merging(p spec.Params) bool { return a.merges() && p.Bool("merge") }

// round leaves of the base's weights what an unmerge in bfloat16 would.
func (a adapter) round(m *model.Model, p spec.Params) error {
	if a.name != "unmerges-roughly" || !a.merging(p) {
		return nil
	}
	layers, err := peft.Match(m, targets)
	for _, l := range layers {
		w := l.W.Data()
		for i := range w {
			w[i] = math.Float32frombits(math.Float32bits(w[i]) &^ 0xffff)
		}
		l.W.Set(w)
	}
	return err
}

// merged also leaves a merged model.
type merged struct {
	*tune.LoRA
	m    *model.Model
	r    tune.Request
	more bool // and changes a weight that has no update
}

func (a *merged) Save(dir string) error {
	out := filepath.Join(dir, "model")
	if a.more {
		w := a.m.Params()[0]
		before, other := w.Data(), w.Data()
		for i := range other {
			other[i] *= 1.1
		}
		w.Set(other)
		defer w.Set(before)
	}
	if err := a.SaveMerged(out); err != nil {
		return err
	}
	if err := a.r.Tok.Save(out); err != nil {
		return err
	}
	return a.LoRA.Save(dir)
}
