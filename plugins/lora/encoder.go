package main

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

var _ tune.EncoderAdapter = lora{}

func (lora) AttachEncoder(c *encoder.Classifier, r tune.Request) (tune.Attached, error) {
	config, err := tune.LoRAConfig(r.Params)
	if err != nil {
		return nil, err
	}
	l, err := tune.AttachEncoderLoRA(c, config, r.RNG)
	if err != nil || !r.Params.Bool("merge") {
		return l, err
	}
	if err := l.Merge(); err != nil { // before training, not after it
		return nil, sdk.Fail("params.merge", err.Error(), "adapt other modules, or leave merge off")
	}
	l.Unmerge()
	return &mergingEncoder{l, c, r}, nil
}

func (lora) RestoreEncoder(c *encoder.Classifier, _ spec.Params, dir string) (*encoder.Classifier, error) {
	_, err := tune.LoadEncoderLoRA(c, dir)
	return c, err
}

// mergingEncoder is an adapter that also leaves a merged classifier.
type mergingEncoder struct {
	*tune.LoRA
	c *encoder.Classifier
	r tune.Request
}

func (a *mergingEncoder) Save(dir string) error {
	adapted, err := a.logits()
	if err != nil {
		return fmt.Errorf("params.merge: %w", err)
	}
	if err := a.Merge(); err != nil {
		return fmt.Errorf("params.merge: %w", err)
	}
	defer a.Unmerge()
	merged, err := a.logits()
	if err != nil {
		return fmt.Errorf("params.merge: %w", err)
	}
	worst := 0.0
	for i := range adapted {
		worst = max(worst, math.Abs(float64(adapted[i])-float64(merged[i])))
	}
	a.r.Metric("merge/max_logit_diff", worst)
	out := filepath.Join(dir, "model")
	if err := a.c.Save(out, a.r.Task.Labels); err != nil {
		return fmt.Errorf("params.merge: %w", err)
	}
	if err := a.r.Tok.Save(out); err != nil {
		return err
	}
	return a.LoRA.Save(dir)
}

// logits are the labels' of the probe.
func (a *mergingEncoder) logits() (out []float32, err error) {
	t := autograd.NewTape(a.c.Encoder().Engine(), false)
	defer t.Release()
	b := a.r.EncoderProbe
	err = autograd.Catch(func() { out = a.c.Logits(t, a.c.Encoder().Hidden(t, b), b.SeqLens).Value() })
	return out, err
}
