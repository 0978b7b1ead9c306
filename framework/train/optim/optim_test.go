package optim

import (
	"math"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// open makes an engine, with two threads.
func open(t *testing.T, name string) compute.Engine {
	t.Helper()
	e, err := compute.Open(name, 2)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// setGrad gives p the gradient of the loss sum((w - i)^2) / 2.
func setGrad(p *autograd.Param) {
	w := p.Data()
	g := make([]float32, len(w))
	for i := range g {
		g[i] = w[i] - float32(i)
	}
	p.ZeroGrad()
	p.Grad = compute.FromFloats(p.Engine(), g, p.Shape()...)
}

// adamw is Loshchilov and Hutter 2019, algorithm 2, in float64 and in torch's
// order: decay first, then the update with the bias corrections of the moments.
func adamw(w []float64, steps int, lr, wd float64) {
	m, v := make([]float64, len(w)), make([]float64, len(w))
	for t := 1; t <= steps; t++ {
		for i := range w {
			g := w[i] - float64(i)
			w[i] -= lr * wd * w[i]
			m[i] = 0.9*m[i] + 0.1*g
			v[i] = 0.999*v[i] + 0.001*g*g
			w[i] -= lr * m[i] / (1 - math.Pow(0.9, float64(t))) / (math.Sqrt(v[i]/(1-math.Pow(0.999, float64(t)))) + 1e-8)
		}
	}
}

func TestAdamWFollowsTheAlgorithm(t *testing.T) {
	const n, steps, lr, wd = 37, 20, 0.05, 0.1
	for _, name := range []string{"ref", "cpu"} {
		e := open(t, name)
		start, want := make([]float32, n), make([]float64, n)
		for i := range start {
			start[i] = float32(math.Sin(float64(i)))
			want[i] = float64(start[i])
		}
		p := autograd.NewParam(e, "w", []int{n}, start)
		o := NewAdamW([]*autograd.Param{p}, Config{WeightDecay: wd})
		for range steps {
			setGrad(p)
			if err := o.Step(lr, 1); err != nil {
				t.Fatal(err)
			}
		}
		adamw(want, steps, lr, wd)
		for i, got := range p.Data() {
			if math.Abs(float64(got)-want[i]) > 2e-6*math.Max(1, math.Abs(want[i])) {
				t.Errorf("%s: w[%d] = %v after %d steps, want %v", name, i, got, steps, want[i])
			}
		}
		if o.Steps() != steps {
			t.Errorf("%s: %d steps counted", name, o.Steps())
		}
	}
}

func TestStateGoesOnBitForBit(t *testing.T) {
	e := open(t, "cpu")
	run := func(breakAt int) []float32 {
		p := autograd.NewParam(e, "w", []int{5}, []float32{3, 1, 4, 1, 5})
		o := NewAdamW([]*autograd.Param{p}, Config{})
		for i := range 10 {
			if i == breakAt {
				saved, next := o.Export(), NewAdamW([]*autograd.Param{p}, Config{})
				if err := next.Import(saved); err != nil {
					t.Fatal(err)
				}
				o = next
			}
			setGrad(p)
			if err := o.Step(0.1, 1); err != nil {
				t.Fatal(err)
			}
		}
		return p.Data()
	}
	whole, broken := run(-1), run(4)
	for i := range whole {
		if math.Float32bits(whole[i]) != math.Float32bits(broken[i]) {
			t.Errorf("w[%d]: %v after an interruption, %v without", i, broken[i], whole[i])
		}
	}
	other := NewAdamW([]*autograd.Param{autograd.NewParam(e, "v", []int{5}, nil)}, Config{})
	if err := other.Import(State{Step: 1, M: map[string][]float32{"w": make([]float32, 5)}, V: map[string][]float32{"w": make([]float32, 5)}}); err == nil || !strings.Contains(err.Error(), `"v"`) {
		t.Errorf("a state of another model: %v", err)
	}
}

func TestFrozenAndGradientlessParametersStay(t *testing.T) {
	e := open(t, "cpu")
	frozen := autograd.NewParam(e, "frozen", []int{2}, []float32{1, 2})
	frozen.Trainable = false
	idle := autograd.NewParam(e, "idle", []int{2}, []float32{1, 2})
	o := NewAdamW([]*autograd.Param{frozen, idle}, Config{WeightDecay: 0.5})
	if len(o.Params()) != 1 {
		t.Fatalf("%d parameters train, want 1", len(o.Params()))
	}
	if err := o.Step(1, 1); err != nil {
		t.Fatal(err)
	}
	if d := idle.Data(); d[0] != 1 || d[1] != 2 {
		t.Errorf("a parameter without a gradient moved to %v", d)
	}
}

func TestClipGradNorm(t *testing.T) {
	for _, name := range []string{"ref", "cpu"} {
		e := open(t, name)
		a, b := autograd.NewParam(e, "a", []int{1}, nil), autograd.NewParam(e, "b", []int{5000}, nil)
		a.Grad = compute.FromFloats(e, []float32{3}, 1)
		g := make([]float32, 5000)
		g[4999] = 4
		b.Grad = compute.FromFloats(e, g, 5000)
		ps := []*autograd.Param{a, b}
		if n, err := ClipGradNorm(ps, 0); err != nil || math.Abs(n-5) > 1e-6 || a.GradData()[0] != 3 {
			t.Errorf("%s: measuring gave %v, %v and a gradient of %v", name, n, err, a.GradData()[0])
		}
		if n, err := ClipGradNorm(ps, 10); err != nil || math.Abs(n-5) > 1e-6 || b.GradData()[4999] != 4 {
			t.Errorf("%s: a norm below the bound was clipped: %v, %v", name, n, err)
		}
		if n, err := ClipGradNorm(ps, 1); err != nil || math.Abs(n-5) > 1e-6 || math.Abs(float64(a.GradData()[0])-0.6) > 1e-6 || math.Abs(float64(b.GradData()[4999])-0.8) > 1e-6 {
			t.Errorf("%s: clipping to 1 gave norm %v, gradients %v and %v (%v)", name, n, a.GradData()[0], b.GradData()[4999], err)
		}
	}
}

// The figures are those of transformers' get_linear_schedule_with_warmup and
// get_cosine_schedule_with_warmup, whose formulas are a line each.
func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		step int
		want float64
	}{
		{Schedule{Kind: "linear", Peak: 1, Total: 100, WarmupRatio: 0.06}, 0, 0},
		{Schedule{Kind: "linear", Peak: 1, Total: 100, WarmupRatio: 0.06}, 3, 0.5},
		{Schedule{Kind: "linear", Peak: 1, Total: 100, WarmupRatio: 0.06}, 6, 1},
		{Schedule{Kind: "linear", Peak: 2, Total: 100, WarmupRatio: 0.06}, 53, 1},
		{Schedule{Kind: "linear", Peak: 1, Total: 100}, 0, 1},
		{Schedule{Kind: "linear", Peak: 1, Total: 100}, 100, 0},
		{Schedule{Kind: "cosine", Peak: 1, Total: 110, WarmupSteps: 10}, 60, 0.5},
		{Schedule{Kind: "cosine", Peak: 1, Total: 110, WarmupSteps: 10}, 35, 0.5 * (1 + math.Cos(math.Pi/4))},
		{Schedule{Kind: "constant", Peak: 3, WarmupSteps: 4}, 2, 1.5},
		{Schedule{Kind: "constant", Peak: 3}, 1000, 3},
		{Schedule{Kind: "linear", Peak: 1, Total: 51, WarmupRatio: 0.06}, 4, 1}, // ceil(3.06) steps of warm-up
	} {
		if got := c.s.Rate(c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v at step %d: rate %v, want %v", c.s, c.step, got, c.want)
		}
	}
	for _, c := range []struct {
		s    Schedule
		want string
	}{{Schedule{Kind: "step", Total: 1}, "schedule.kind"}, {Schedule{Kind: "linear"}, "schedule.total"}, {Schedule{Total: 1, WarmupSteps: -1}, "schedule.warmup_steps"}, {Schedule{Total: 1, WarmupRatio: 2}, "schedule.warmup_ratio"}} {
		if err := c.s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want it to name %s", c.s, err, c.want)
		}
	}
}
