package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/optim"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// TraceOptions of Trace. Zero values mean what they say: no decay, no clipping.
type TraceOptions struct {
	Model       string  // as Models finds it
	LoRA        bool    // else all weights train
	Steps       int     // optimiser steps
	Batch       int     // sequences in a step
	LR          float64 // constant
	WeightDecay float64 // of matrices; biases and norms have none (transformers Trainer)
	Clip        float64 // largest gradient norm; 0: no clipping
	Precision   string  // of matrix products: "f32" (default) or "bf16"
	Threads     int     // 0: all cores; never changes the numbers

	Rank    int      // of LoRA; 0: 8
	Alpha   float64  // 0: 8
	Targets []string // none: PEFT's default for the family
	Init    string   // PEFT folder to start from; "": a new adapter
	Seed    int64    // of a new adapter

	Save string // folder for the model, or the adapter; "": nothing is kept
}

// TraceStep is what one step showed.
type TraceStep struct {
	Step     int     `json:"step"` // from 0
	Loss     float64 `json:"loss"` // mean over the batch's predicted tokens, nats
	GradNorm float64 `json:"grad_norm"`
}

// Trace trains on sequences in the plainest way there is, so that each step can
// be held against another system's: AdamW (0.9, 0.999, 1e-8) at a constant rate,
// no dropout; step k takes the sequences from k*Batch on, beginning again at the
// end of the list; the labels are the ids.
func (ms Models) Trace(ctx context.Context, ids [][]int, o TraceOptions, emit func(TraceStep) error) error {
	dir, err := ms.Dir(ctx, o.Model)
	if err != nil {
		return err
	}
	if err := decodes(dir); err != nil {
		return err
	}
	if o.Save != "" {
		if list, err := os.ReadDir(o.Save); err == nil && len(list) > 0 {
			return fmt.Errorf("%s is not empty: give another folder", o.Save)
		}
	}
	for i, s := range ids {
		if len(s) < 2 {
			return fmt.Errorf("line %d: a sequence needs two tokens at least, one to predict", i+1)
		}
	}
	return compute.Recover(func() error { return o.train(ctx, dir, ids, emit) })
}

// train is Trace on the model in dir.
func (o *TraceOptions) train(ctx context.Context, dir string, ids [][]int, emit func(TraceStep) error) error {
	e, err := compute.OpenPrecise("cpu", o.Precision, o.Threads)
	if err != nil {
		return err
	}
	defer compute.Close(e)
	m, err := model.Load(dir, e, model.Options{})
	if err != nil {
		return err
	}
	defer m.Free()
	if m.Config().NF4 && !o.LoRA {
		return fmt.Errorf("%s is stored in 4 bits, which do not train; train an adapter on it (method lora)", dir)
	}
	params, adapter := m.Params(), (*peft.LoRA)(nil)
	if o.LoRA {
		if adapter, err = o.adapter(m); err != nil {
			return err
		}
		params = adapter.Params()
	}
	opt := optim.NewAdamW(params, optim.Config{WeightDecay: o.WeightDecay})
	opt.DecayOnly(func(p *autograd.Param) bool { return len(p.Shape()) > 1 })
	defer opt.Free()
	for k := range o.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := make([][]int, o.Batch)
		for i := range batch {
			batch[i] = ids[(k*o.Batch+i)%len(ids)]
		}
		s := TraceStep{Step: k}
		if s.Loss, err = lossOf(m, batch); err != nil {
			return fmt.Errorf("step %d: %w", k, err)
		}
		if o.Clip > 0 {
			s.GradNorm, err = optim.ClipGradNorm(params, o.Clip)
		} else {
			s.GradNorm, err = optim.GradNorm(params)
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", k, err)
		}
		if bad := s.Loss + s.GradNorm; math.IsNaN(bad) || math.IsInf(bad, 0) {
			return fmt.Errorf("step %d: the loss is %v and the gradient norm %v: lower the learning rate (--lr)", k, s.Loss, s.GradNorm)
		}
		if err := opt.Step(o.LR, 1); err != nil {
			return err
		}
		optim.ZeroGrad(params)
		if err := emit(s); err != nil {
			return err
		}
	}
	switch {
	case o.Save == "":
		return nil
	case adapter != nil:
		return adapter.Save(o.Save)
	}
	return errors.Join(m.Save(o.Save), checkpoint.CopyCompanions(dir, o.Save))
}

func (o *TraceOptions) adapter(m *model.Model) (*peft.LoRA, error) {
	if o.Init != "" {
		return peft.Load(m, o.Init)
	}
	return peft.Attach(m, peft.Config{Rank: o.Rank, Alpha: o.Alpha, Targets: o.Targets}, spec.Stream(o.Seed, spec.StreamInit))
}

// lossOf is the mean loss of predicting each sequence's tokens from the second
// on; it leaves the gradients with the parameters.
func lossOf(m *model.Model, batch [][]int) (loss float64, err error) {
	t := autograd.NewTape(m.Engine(), true)
	defer t.Release()
	err = autograd.Catch(func() {
		l := m.NextTokenLoss(t, model.Pack(batch...))
		t.Backward(l)
		loss = float64(l.Scalar())
	})
	return loss, err
}
