package autograd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/ref"
)

// leaves makes the random inputs of a case, the same on every engine.
func leaves(c gradCase) [][]float32 {
	r := rand.New(rand.NewPCG(1, uint64(len(c.name))))
	data := make([][]float32, len(c.shapes))
	for i, s := range c.shapes {
		data[i] = make([]float32, compute.NumElements(s))
		for j := range data[i] {
			if c.low == c.high {
				data[i][j] = float32(r.NormFloat64())
			} else {
				data[i][j] = c.low + (c.high-c.low)*r.Float32()
			}
		}
	}
	return data
}

// forward runs a case; bump moves one element of one leaf (ref only).
func forward(e compute.Engine, c gradCase, data [][]float32, leaf, at int, bump float64) (*Tape, []*Var, []*Var) {
	t := NewTape(e, true)
	in := make([]*Var, len(data))
	for i := range data {
		in[i] = t.Leaf(c.shapes[i], data[i])
	}
	if bump != 0 {
		ref.Floats(in[leaf].buf)[at] += bump
	}
	return t, in, c.fn(t, in)
}

func seeds(outs []*Var) [][]float32 {
	r := rand.New(rand.NewPCG(9, 9))
	w := make([][]float32, len(outs))
	for i, o := range outs {
		w[i] = make([]float32, o.Len())
		for j := range w[i] {
			w[i][j] = float32(r.NormFloat64())
		}
	}
	return w
}

func loss(outs []*Var, w [][]float32) float64 {
	var s float64
	for i, o := range outs {
		for j, v := range ref.Floats(o.buf) {
			s += v * float64(w[i][j])
		}
	}
	return s
}

// recorder is an engine that notes which ops were asked for.
type recorder struct {
	compute.Engine
	seen map[string]bool
}

func (r *recorder) Kernel(op string) (compute.Kernel, bool) {
	r.seen[op] = true
	return r.Engine.Kernel(op)
}

// TestGradients compares every gradient with central differences on ref, where
// F32 buffers hold float64.
func TestGradients(t *testing.T) {
	e := &recorder{ref.New(), map[string]bool{}}
	const h, tol = 1e-5, 2e-7
	for _, c := range gradCases() {
		data := leaves(c)
		tape, in, outs := forward(e, c, data, 0, 0, 0)
		w := seeds(outs)
		tape.BackwardWith(outs, w)
		for i, x := range in {
			if x.grad == nil {
				t.Errorf("%s: input %d got no gradient", c.name, i)
				continue
			}
			for j, got := range ref.Floats(x.grad) {
				_, _, up := forward(e, c, data, i, j, h)
				_, _, down := forward(e, c, data, i, j, -h)
				want := (loss(up, w) - loss(down, w)) / (2 * h)
				if d := math.Abs(got - want); !(d <= tol*(1+math.Abs(want))) {
					t.Errorf("%s: gradient of input %d element %d is %.9g, finite difference %.9g", c.name, i, j, got, want)
					break
				}
			}
		}
	}
	// Ops that no gradient case can reach: they have none, and their own tests.
	for _, name := range []string{"put_rows", "adamw", "sum_squares", "gemm_bf16", "gemm_nf4_bf16"} {
		e.seen[name] = true
	}
	for _, op := range compute.Ops() {
		if !e.seen[op.Name] {
			t.Errorf("op %q is reached by no gradient case: add one to gradCases", op.Name)
		}
	}
}
