package plugintest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// merger is an adapter that can be taken into the model's weights and out again.
type merger interface {
	Merge() error
	Unmerge()
}

// unmerges merges an adapter that was trained a little, takes it out again, and
// compares every weight and every logit, bit for bit: weights that were put
// back are the same ones, and nothing may be lost to rounding.
func unmerges(t testing.TB, a tune.Adapter, given map[string]any) error {
	m, err := move(t, a, given)
	if err != nil {
		return err
	}
	x, ok := m.attached.(merger)
	if !ok {
		return conformance.DoesNotApply("the adapter has no Merge() error and Unmerge()")
	}
	weights, before := snapshot(m.m), []float32(nil)
	if before, err = logits(m.m, m.b); err != nil {
		return err
	}
	if err := x.Merge(); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	x.Unmerge()
	for i, p := range m.m.Params() {
		if i >= len(weights) || p.Name != weights[i].name || !slices.Equal(p.Data(), weights[i].data) {
			return fmt.Errorf("after merge and unmerge the weight %s is another than before", p.Name)
		}
	}
	after, err := logits(m.m, m.b)
	if err == nil && !slices.Equal(before, after) {
		err = errors.New("after merge and unmerge the logits are others than before: is the adapter on its layers again?")
	}
	return err
}

type weight struct {
	name string
	data []float32
}

func snapshot(m *model.Model) (out []weight) {
	for _, p := range m.Params() {
		out = append(out, weight{p.Name, p.Data()})
	}
	return out
}

func logits(m *model.Model, b model.Batch) (out []float32, err error) {
	t := autograd.NewTape(m.Engine(), false)
	defer t.Release()
	err = autograd.Catch(func() { out = m.Logits(t, m.Hidden(t, b)).Value() })
	return out, err
}
