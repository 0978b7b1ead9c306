package main

import (
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

func (r *ppoRun) checkpoint() error {
	var more []checkpoint.Tensor
	for i, w := range r.good {
		more = append(more, checkpoint.Tensor{Name: stateName("good", "param", i), Shape: r.sets[0].params[i].Shape(), Data: w})
	}
	return saveState(r.in, r.out, r.at, r.sets[:], more)
}

func (r *ppoRun) resume() error {
	p, s, err := loadState(r.in.Checkpoint, r.sets[:])
	if err != nil {
		return err
	}
	if p.Step > 0 { // before the first rollout there is none
		for i, w := range r.sets[0].params {
			r.good = append(r.good, s.take(stateName("good", "param", i), w.Shape()))
		}
	}
	r.at = p
	if p.Done {
		r.total = p.Step
	}
	return s.finish()
}

// verify loads what was saved and asks for the same log-probabilities.
func (r *ppoRun) verify() error {
	back, err := model.Load(filepath.Join(r.out.ArtifactDir(), modelDir), r.policy.Engine(), model.Options{Frozen: true})
	if err != nil {
		return fmt.Errorf("load what was just saved: %w", err)
	}
	var logits [2][]float32
	for i, m := range []*model.Model{r.policy, back} {
		t := autograd.NewTape(m.Engine(), false)
		err := autograd.Catch(func() { logits[i] = m.Logits(t, m.Hidden(t, model.Pack(r.prompts[0]))).Value() })
		t.Release()
		if err != nil {
			return err
		}
	}
	for i, v := range logits[0] {
		if logits[1][i] != v {
			return fmt.Errorf("the saved policy does not give the trained one's numbers: logit %v after loading, %v before", logits[1][i], v)
		}
	}
	return nil
}
