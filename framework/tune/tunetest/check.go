package tunetest

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/tune"
)

// Case is one way to run an adapter.
type Case struct {
	Folder    string // of the base model
	Data      Data
	Params    map[string]any
	Trainable int64    // parameters that train, label head included
	Frozen    bool     // the base model's weights must not change
	Modes     []string // prediction modes to try
	// Falls is the share of the first training loss that the last must be
	// below; default 0.9.
	Falls float64
}

// Check runs an adapter and demands what holds for every one: the loss falls;
// a fresh predictor answers, the same twice; the claimed parameters are those
// that changed and a frozen base keeps its bits; the same seed gives the same
// bits, on one thread and on two, with gradient checkpointing and without; a run
// resumed from a checkpoint gives the numbers of an uninterrupted one; the
// estimate knows the parameters and the arithmetic.
func Check(t *testing.T, a tune.Adapter, c Case) {
	t.Helper()
	w := &watch{Adapter: a}
	m := tune.Method(w)
	params := map[string]any{"epochs": 6, "batch_size": 8, "eval_every": 7}
	maps.Copy(params, c.Params)
	o := Options{Params: params, Seed: 11}
	r := Run(t, m, c.Folder, c.Data, o)
	w.check(t, c, r)

	if c.Falls == 0 {
		c.Falls = 0.9
	}
	if first, last := r.First(t, "train/loss"), r.Last(t, "train/loss"); !(last < c.Falls*first) {
		t.Errorf("the training loss went from %g to %g, expected a fall below %g of it", first, last, c.Falls)
	}
	m = tune.Method(a)
	for _, mode := range c.Modes {
		one, two := r.Predict(t, m, c.Data, mode), r.Predict(t, m, c.Data, mode)
		if !reflect.DeepEqual(one, two) {
			t.Errorf("mode %s: two fresh predictors disagree", mode)
		}
	}
	o.Threads = 2
	same(t, "the same seed on two threads", r, Run(t, m, c.Folder, c.Data, o), 0)

	o.Params = maps.Clone(params)
	o.Params["gradient_checkpointing"] = true
	again := Run(t, m, c.Folder, c.Data, o)
	again.Cost.FLOPs = r.Cost.FLOPs // it computes more
	same(t, "with gradient checkpointing", r, again, 0)
	o.Params = params

	step := slices.Min(slices.Collect(maps.Keys(r.Checkpoints)))
	o.Threads, o.Checkpoint = 1, r.Checkpoints[step]
	same(t, "resumed", r, Run(t, m, c.Folder, c.Data, o), step)

	est, err := m.Estimate(t.Context(), Input(t, m, c.Folder, c.Data, o))
	if err != nil {
		t.Fatal(err)
	}
	if est.TrainableParams != c.Trainable {
		t.Errorf("the estimate says %d parameters train, expected %d", est.TrainableParams, c.Trainable)
	}
	if est.FLOPs != r.Cost.FLOPs {
		t.Errorf("the estimate says %g FLOPs, the run took %g", est.FLOPs, r.Cost.FLOPs)
	}
}

// same compares metrics after a step, and files, bit for bit.
func same(t *testing.T, what string, a, b *Record, after int64) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(a.Metrics)) {
		var want []Point
		for _, p := range a.Metrics[name] {
			if p.Step > after || after == 0 {
				want = append(want, p)
			}
		}
		got := b.Metrics[name]
		if len(got) != len(want) {
			t.Errorf("%s: %d values of %s, expected %d", what, len(got), name, len(want))
			continue
		}
		for i, p := range want {
			if got[i].Step != p.Step || math.Float64bits(got[i].Value) != math.Float64bits(p.Value) {
				t.Errorf("%s: %s at step %d is %v, expected %v", what, name, p.Step, got[i].Value, p.Value)
				break
			}
		}
	}
	if a.Cost.FLOPs != b.Cost.FLOPs || a.Cost.TrainTokens != b.Cost.TrainTokens {
		t.Errorf("%s: %d training tokens and %g FLOPs, expected %d and %g", what, b.Cost.TrainTokens, b.Cost.FLOPs, a.Cost.TrainTokens, a.Cost.FLOPs)
	}
	fa, fb := a.Files(t), b.Files(t)
	for _, name := range slices.Sorted(maps.Keys(fa)) {
		if fa[name] != fb[name] {
			t.Errorf("%s: file %s differs", what, name)
		}
	}
	if len(fa) != len(fb) {
		t.Errorf("%s: %d files, expected %d", what, len(fb), len(fa))
	}
}

// watch looks at the model of the first Attach.
type watch struct {
	tune.Adapter
	m      interface{ Params() []*autograd.Param }
	head   int // weights of the label head that the harness adds
	before map[string][]float32
	attach tune.Attached
}

func (w *watch) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	a, err := w.Adapter.Attach(m, r)
	if err == nil && w.m == nil {
		if w.look(m, a); r.Classify {
			w.head = len(r.Task.Labels) * m.Config().HiddenSize
		}
	}
	return a, err
}

func (w *watch) AttachEncoder(c *encoder.Classifier, r tune.Request) (tune.Attached, error) {
	a, err := w.Adapter.(tune.EncoderAdapter).AttachEncoder(c, r)
	if err == nil && w.m == nil {
		w.look(c.Encoder(), a)
	}
	return a, err
}

func (w *watch) RestoreEncoder(c *encoder.Classifier, p spec.Params, dir string) (*encoder.Classifier, error) {
	return w.Adapter.(tune.EncoderAdapter).RestoreEncoder(c, p, dir)
}

func (w *watch) look(m interface{ Params() []*autograd.Param }, a tune.Attached) {
	w.m, w.attach, w.before = m, a, map[string][]float32{}
	for _, p := range append(m.Params(), a.Params()...) {
		w.before[p.Name] = p.Data()
	}
}

func (w *watch) check(t *testing.T, c Case, r *Record) {
	t.Helper()
	count := int64(w.head)
	for _, p := range w.attach.Params() {
		count += int64(p.Len())
		if slices.Equal(w.before[p.Name], p.Data()) {
			t.Errorf("%s is said to train and did not change", p.Name)
		}
	}
	if count != c.Trainable || r.Cost.TrainableParams != c.Trainable {
		t.Errorf("%d parameters train and %d are claimed, expected %d", count, r.Cost.TrainableParams, c.Trainable)
	}
	if !c.Frozen {
		return
	}
	for _, p := range w.m.Params() {
		if !slices.Equal(w.before[p.Name], p.Data()) {
			t.Errorf("%s belongs to the frozen base and changed", p.Name)
		}
		if p.Trainable || p.Grad != nil {
			t.Errorf("%s belongs to the frozen base, and gradients are computed for it", p.Name)
		}
	}
}
