// Package autogradtest checks gradients: that a computation on a tape has the
// gradient that finite differences have, and that an engine gives what the
// reference gives. It is for ops and adapters outside this module; the ops of
// train/autograd go through the same checks in its own tests.
package autogradtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Case is a computation on random leaves.
type Case struct {
	Shapes    [][]int // of the leaves
	Low, High float32 // leaves are uniform between them; equal means normal
	// Tolerance is the largest difference between an engine and the reference,
	// relative to the largest element or to 1.
	Tolerance float64
	Fn        func(t *autograd.Tape, in []*autograd.Var) []*autograd.Var
}

// Check compares the gradient of each leaf with central differences on the
// reference engine, where F32 buffers hold float64, within 1e-6; and the results
// and gradients on e with the reference's.
func Check(t testing.TB, e compute.Engine, c Case) {
	t.Helper()
	const h, tolerance = 1e-5, 1e-6
	r := rand.New(rand.NewPCG(1, 2))
	leaves := make([][]float32, len(c.Shapes))
	for i, s := range c.Shapes {
		leaves[i] = make([]float32, compute.NumElements(s))
		for j := range leaves[i] {
			if leaves[i][j] = float32(r.NormFloat64()); c.Low != c.High {
				leaves[i][j] = c.Low + (c.High-c.Low)*r.Float32()
			}
		}
	}
	base := ref.New()
	want := c.run(base, leaves, nil)
	for i := range leaves {
		for j, got := range want.grads[i] {
			at := func(bump float64) float64 {
				return c.run(base, leaves, func(in []*autograd.Var) { ref.Floats(in[i].Buffer())[j] += bump }).loss
			}
			if diff := (at(h) - at(-h)) / (2 * h); !(math.Abs(float64(got)-diff) <= tolerance*(1+math.Abs(diff))) {
				t.Errorf("gradient of input %d element %d is %.9g, finite difference %.9g", i, j, got, diff)
				break
			}
		}
	}
	got := c.run(e, leaves, nil)
	for i := range want.outs {
		near(t, "output", i, got.outs[i], want.outs[i], c.Tolerance)
	}
	for i := range want.grads {
		near(t, "gradient of input", i, got.grads[i], want.grads[i], c.Tolerance)
	}
}

type result struct {
	outs, grads [][]float32
	loss        float64 // sum of the outputs under fixed random weights, in float64 on ref
}

// run computes forward and, unless the leaves are bumped, backward.
func (c Case) run(e compute.Engine, leaves [][]float32, bump func(in []*autograd.Var)) (out result) {
	t := autograd.NewTape(e, true)
	defer t.Release()
	var in []*autograd.Var
	for i, data := range leaves {
		in = append(in, t.Leaf(c.Shapes[i], data))
	}
	if bump != nil {
		bump(in)
	}
	outs := c.Fn(t, in)
	r := rand.New(rand.NewPCG(9, 9))
	var weights [][]float32
	for _, o := range outs {
		w := make([]float32, o.Len())
		for j := range w {
			w[j] = float32(r.NormFloat64())
		}
		weights = append(weights, w)
		if bump != nil {
			for j, v := range ref.Floats(o.Buffer()) {
				out.loss += v * float64(w[j])
			}
		}
		out.outs = append(out.outs, o.Value())
	}
	if bump == nil {
		t.BackwardWith(outs, weights)
		for _, x := range in {
			g := x.Grad()
			if g == nil {
				g = make([]float32, x.Len())
			}
			out.grads = append(out.grads, g)
		}
	}
	return out
}

func near(t testing.TB, what string, i int, got, want []float32, tolerance float64) {
	t.Helper()
	scale, worst := 1.0, 0.0
	for j := range want {
		scale = math.Max(scale, math.Abs(float64(want[j])))
		if d := math.Abs(float64(got[j]) - float64(want[j])); !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= tolerance*scale) {
		t.Errorf("%s %d differs from the reference by %.3g of %.3g, allowed %.3g", what, i, worst, scale, tolerance*scale)
	}
}
