package autograd

import (
	"math/rand/v2"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
)

func normal(n int) []float32 {
	r, out := rand.New(rand.NewPCG(3, uint64(n))), make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64())
	}
	return out
}

// The gradients that wait in SumBlocks reach parameters, scaled by what the
// loss is multiplied with, added to those of other uses and of earlier passes;
// a frozen parameter and an input that needs none get none.
func TestBlocksDeliverToParameters(t *testing.T) {
	e, err := cpu.New(2, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	w, frozen := NewParam(e, "w", []int{6, 4}, normal(24)), NewParam(e, "f", []int{4}, normal(4))
	frozen.Trainable = false
	rows := func(t *Tape, x *Var) *Var {
		y := t.Linear(t.MulRow(x, t.Param(frozen)), t.Param(w), nil)
		return t.Sum(t.Mul(y, y))
	}
	for _, scale := range []float32{1, 2.5} {
		for _, leaf := range []bool{true, false} {
			grads := func(blocks bool) (x, p []float32) {
				w.ZeroGrad()
				for range 2 {
					tape := NewTape(e, true)
					in := tape.Leaf([]int{7, 4}, normal(28))
					in.needs = leaf
					l := rows(tape, in)
					if blocks {
						l = tape.SumBlocks(in, 3, func(t *Tape, x *Var, _, _ int) *Var { return rows(t, x) })
					}
					tape.Backward(tape.Scale(tape.Add(l, tape.Sum(tape.Param(w))), scale))
					x = in.Grad()
					tape.Release()
				}
				if frozen.Grad != nil {
					t.Fatal("the frozen parameter has a gradient")
				}
				return x, w.GradData()
			}
			wantX, wantW := grads(false)
			gotX, gotW := grads(true)
			closeTo(t, "x", gotX, wantX)
			closeTo(t, "w", gotW, wantW)
		}
	}
}

func closeTo(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d gradients, expected %d", what, len(got), len(want))
	}
	for i := range want {
		if d := got[i] - want[i]; !(d < 2e-4 && d > -2e-4) {
			t.Errorf("gradient %d of %s is %v, expected %v", i, what, got[i], want[i])
		}
	}
}

// Everything that SumBlocks takes goes back, with a backward pass and without.
func TestBlocksGiveMemoryBack(t *testing.T) {
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	w := NewParam(e, "w", []int{50, 8}, normal(400))
	before := e.InUse()
	for _, backward := range []bool{true, false} {
		tape := NewTape(e, true)
		l := tape.SumBlocks(tape.Leaf([]int{9, 8}, normal(72)), 4, func(t *Tape, x *Var, lo, hi int) *Var {
			l, _ := t.FinalLoss(t.Linear(x, t.Param(w), nil), make([]int32, hi-lo), make([]float32, hi-lo))
			return l
		})
		if backward {
			tape.Backward(l)
		}
		tape.Release()
		w.ZeroGrad()
		if now := e.InUse(); now != before {
			t.Errorf("backward %v: %d bytes in use, %d before", backward, now, before)
		}
	}
}

func TestFinalLossCountsHits(t *testing.T) {
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer compute.Close(e)
	tape := NewTape(e, false)
	x := tape.Const([]int{4, 3}, []float32{1, 2, 0, 5, 5, 1, 5, 5, 1, 0, 0, 9})
	l, hits := tape.FinalLoss(x, []int32{1, 0, 1, -1}, []float32{1, 1, 1, 1})
	if hits != 2 {
		t.Errorf("%d hits, expected 2: the second of equal logits and an ignored target count as none", hits)
	}
	if want := tape.CrossEntropy(x, []int32{1, 0, 1, -1}, []float32{1, 1, 1, 1}).Scalar(); l.Scalar() != want {
		t.Errorf("the loss is %v, expected %v", l.Scalar(), want)
	}
}
