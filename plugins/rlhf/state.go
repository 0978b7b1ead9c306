package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
)

// trained is a set of parameters with its optimiser.
type trained struct {
	name   string
	params []*autograd.Param
	opt    *optim.AdamW
}

// progress is what a checkpoint of the reward and the ppo stage holds beside
// the tensors. Data order and sampling follow from the seed and Step.
type progress struct {
	Step       int            `json:"step"`
	Tokens     int64          `json:"tokens"`
	Generated  int64          `json:"generated"`
	FLOPs      float64        `json:"flops"`
	FirstScore *float64       `json:"first_score,omitempty"` // ppo: of the first update
	Done       bool           `json:"done,omitempty"`        // the budget is spent
	OptSteps   map[string]int `json:"optimizer_steps"`
}

const (
	stateFile   = "state.json"
	tensorsFile = "state.safetensors"
)

// saveState writes a checkpoint: parameters and moments of every set, and
// further tensors. It announces it under p.Step.
func saveState(in *sdk.Input, out *sdk.Output, p progress, sets []trained, more []checkpoint.Tensor) error {
	dir := filepath.Join(in.WorkDir, "checkpoints", fmt.Sprintf("step-%08d", p.Step))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the checkpoint folder: %w", err)
	}
	p.OptSteps = map[string]int{}
	var tensors []checkpoint.Tensor
	for _, s := range sets {
		moments := s.opt.Export()
		p.OptSteps[s.name] = moments.Step
		for i, w := range s.params {
			for _, part := range []struct {
				kind string
				data []float32
			}{{"param", w.Data()}, {"moment1", moments.M[w.Name]}, {"moment2", moments.V[w.Name]}} {
				tensors = append(tensors, checkpoint.Tensor{Name: stateName(s.name, part.kind, i), Shape: w.Shape(), Data: part.data})
			}
		}
	}
	if err := checkpoint.WriteSafetensors(filepath.Join(dir, tensorsFile), append(tensors, more...), nil); err != nil {
		return err
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	err = checkpoint.WriteAtomic(filepath.Join(dir, stateFile), func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	return out.Checkpoint(int64(p.Step), dir)
}

func stateName(set, kind string, i int) string { return fmt.Sprintf("%s.%s.%d", set, kind, i) }

// saved reads a checkpoint's tensors strictly: each is taken once, and finish
// fails when one is left.
type saved struct {
	path    string
	tensors map[string]checkpoint.Tensor
	err     error
}

// loadState restores the sets and gives what else the checkpoint holds.
func loadState(dir string, sets []trained) (progress, *saved, error) {
	var p progress
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return p, nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, nil, fmt.Errorf("%s: %w", filepath.Join(dir, stateFile), err)
	}
	s := &saved{path: filepath.Join(dir, tensorsFile), tensors: map[string]checkpoint.Tensor{}}
	list, err := checkpoint.ReadSafetensors(s.path)
	if err != nil {
		return p, nil, err
	}
	for _, t := range list {
		s.tensors[t.Name] = t
	}
	for _, set := range sets {
		moments := optim.State{Step: p.OptSteps[set.name], M: map[string][]float32{}, V: map[string][]float32{}}
		for i, w := range set.params {
			data := s.take(stateName(set.name, "param", i), w.Shape())
			moments.M[w.Name] = s.take(stateName(set.name, "moment1", i), w.Shape())
			moments.V[w.Name] = s.take(stateName(set.name, "moment2", i), w.Shape())
			if s.err != nil {
				return p, nil, s.err
			}
			w.Set(data)
		}
		if err := set.opt.Import(moments); err != nil {
			return p, nil, fmt.Errorf("%s: %w", s.path, err)
		}
	}
	return p, s, nil
}

func (s *saved) take(name string, shape []int) []float32 {
	t, ok := s.tensors[name]
	if s.err == nil && (!ok || !slices.Equal(t.Shape, shape)) {
		s.err = fmt.Errorf("%s: tensor %s is missing or has not the shape %v: the checkpoint is of another run", s.path, name, shape)
	}
	delete(s.tensors, name)
	return t.Data
}

func (s *saved) finish() error {
	if s.err == nil && len(s.tensors) > 0 {
		s.err = fmt.Errorf("%s: %d tensors are not of this run: the checkpoint is of another run", s.path, len(s.tensors))
	}
	return s.err
}
