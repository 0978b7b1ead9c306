package plugintest

import (
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/framework/tune/tiny"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

// Gradients attaches an adapter to a tiny model, moves its parameters off
// their start (where LoRA's A has no gradient), and compares the slope of the
// loss along each tensor's gradient with a central difference. In float32 the
// two agree within about one percent.
func Gradients(t *testing.T, a tune.Adapter, given map[string]any) {
	t.Helper()
	d := tiny.Completion(spec.Instruction)
	lm, err := tune.Open(tunetest.Folder(t, checkpoint.Llama), spec.Compute{Engine: "ref", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, ds := tune.Method(a).Schema().Resolve("params", given)
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	b := model.Pack(lm.Tok.Encode("After 3: 4", true), lm.Tok.Encode("After 7: 8", true))
	rng := spec.Stream(3, "gradients")
	attached, err := a.Attach(lm.Model, tune.Request{Params: p, RNG: spec.Stream(3, spec.StreamInit), Task: d.Task, Tok: lm.Tok, Probe: b,
		Metric: func(string, float64) {}, Log: func(string, string) {}})
	if err != nil {
		t.Fatal(err)
	}
	list := attached.Params()
	if len(list) == 0 {
		t.Log("not applicable: the adapter itself trains no parameter (the harness adds a label head)")
		return
	}
	for _, q := range list {
		x := q.Data()
		for i := range x {
			x[i] += float32(0.1 * rng.NormFloat64())
		}
		q.Set(x)
	}
	loss(t, lm.Model, b, true)
	for _, q := range list {
		g := q.GradData()
		norm := 0.0
		for _, v := range g {
			norm += float64(v) * float64(v)
		}
		if norm = math.Sqrt(norm); norm == 0 {
			t.Errorf("%s has no gradient: it takes no part in the loss", q.Name)
			continue
		}
		x := q.Data()
		const eps = 3e-3
		at := func(sign float64) float64 {
			y := make([]float32, len(x))
			for i := range x {
				y[i] = x[i] + float32(sign*eps*float64(g[i])/norm)
			}
			q.Set(y)
			return loss(t, lm.Model, b, false)
		}
		slope := (at(1) - at(-1)) / (2 * eps)
		q.Set(x)
		if math.Abs(slope-norm) > 0.02*norm+1e-4 {
			t.Errorf("%s: the loss rises by %g along its gradient, whose length is %g", q.Name, slope, norm)
		}
	}
}

// loss is the mean cross-entropy of each sequence's next tokens.
func loss(t *testing.T, m *model.Model, b model.Batch, backward bool) (out float64) {
	t.Helper()
	var rows, targets []int32
	at := 0
	for _, n := range b.SeqLens {
		for i := at; i < at+n-1; i++ {
			rows, targets = append(rows, int32(i)), append(targets, b.IDs[i+1])
		}
		at += n
	}
	weights := make([]float32, len(targets))
	for i := range weights {
		weights[i] = 1 / float32(len(targets))
	}
	tape := autograd.NewTape(m.Engine(), backward)
	defer tape.Release()
	err := autograd.Catch(func() {
		l := tape.CrossEntropy(m.Logits(tape, tape.Rows(m.Hidden(tape, b), rows)), targets, weights)
		if backward {
			tape.Backward(l)
		}
		out = float64(l.Scalar())
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
