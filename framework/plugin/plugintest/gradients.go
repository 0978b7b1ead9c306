package plugintest

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tiny"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// Gradients attaches an adapter to a tiny model, moves its parameters off
// their start (where LoRA's A has no gradient), and compares the slope of the
// loss along each tensor's gradient with a central difference. In float32 the
// two agree within about one percent; two are allowed.
func Gradients(t *testing.T, a tune.Adapter, given map[string]any) {
	t.Helper()
	err := gradients(t, a, given)
	if conformance.IsInapplicable(err) {
		t.Logf("not applicable: %v", err)
	} else if err != nil {
		t.Error(err)
	}
}

// moved is an adapter on a tiny model, with its parameters off their start.
type moved struct {
	m        *model.Model
	attached tune.Attached
	b        model.Batch
}

func move(t testing.TB, a tune.Adapter, given map[string]any) (*moved, error) {
	d := tiny.Completion(spec.Instruction)
	lm, err := tune.Open(tunetest.Folder(t, checkpoint.Llama), spec.Compute{Engine: "ref", Threads: 1})
	if err != nil {
		return nil, err
	}
	p, ds := tune.Method(a).Schema().Resolve("params", given)
	if err := ds.Err(); err != nil {
		return nil, err
	}
	b := model.Pack(lm.Tok.Encode("After 3: 4", true), lm.Tok.Encode("After 7: 8", true))
	attached, err := a.Attach(lm.Model, tune.Request{Params: p, RNG: spec.Stream(3, spec.StreamInit), Task: d.Task, Tok: lm.Tok, Probe: b,
		Metric: func(string, float64) {}, Log: func(string, string) {}})
	if err != nil {
		return nil, fmt.Errorf("attach the adapter: %w", err)
	}
	rng := spec.Stream(3, "gradients")
	for _, q := range attached.Params() {
		x := q.Data()
		for i := range x {
			x[i] += float32(0.1 * rng.NormFloat64())
		}
		q.Set(x)
	}
	return &moved{lm.Model, attached, b}, nil
}

func gradients(t testing.TB, a tune.Adapter, given map[string]any) error {
	m, err := move(t, a, given)
	if err != nil {
		return err
	}
	list := m.attached.Params()
	if len(list) == 0 {
		return conformance.DoesNotApply("the adapter itself trains no parameter (the harness adds a label head)")
	}
	if _, err := loss(m.m, m.b, true); err != nil {
		return err
	}
	var wrong []error
	for _, q := range list {
		g := q.GradData()
		norm := 0.0
		for _, v := range g {
			norm += float64(v) * float64(v)
		}
		if norm = math.Sqrt(norm); norm == 0 {
			wrong = append(wrong, fmt.Errorf("%s has no gradient: it takes no part in the loss", q.Name))
			continue
		}
		slope, err := m.slope(q, g, norm)
		if err != nil {
			return err
		}
		if !(math.Abs(slope-norm) <= 0.02*norm+1e-4) {
			wrong = append(wrong, fmt.Errorf("%s: the loss rises by %g along its gradient, whose length is %g", q.Name, slope, norm))
		}
	}
	return errors.Join(wrong...)
}

// slope is the central difference of the loss along the gradient g of a tensor.
func (m *moved) slope(q *autograd.Param, g []float32, norm float64) (float64, error) {
	const eps = 3e-3
	x := q.Data()
	defer q.Set(x)
	var at [2]float64
	for i, sign := range []float64{1, -1} {
		y := make([]float32, len(x))
		for j := range x {
			y[j] = x[j] + float32(sign*eps*float64(g[j])/norm)
		}
		q.Set(y)
		var err error
		if at[i], err = loss(m.m, m.b, false); err != nil {
			return 0, err
		}
	}
	return (at[0] - at[1]) / (2 * eps), nil
}

// loss is the mean cross-entropy of each sequence's next tokens.
func loss(m *model.Model, b model.Batch, backward bool) (out float64, err error) {
	tape := autograd.NewTape(m.Engine(), backward)
	defer tape.Release()
	err = autograd.Catch(func() {
		l := m.NextTokenLoss(tape, b)
		if backward {
			tape.Backward(l)
		}
		out = float64(l.Scalar())
	})
	return out, err
}
