package autograd

import (
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute/cpu"
)

// A checkpointed function has the value and the gradients of the function
// itself, bit for bit: to its input, to parameters, to values of the tape around
// it, inside a block of SumBlocks, of a function that makes nothing.
func TestCheckpointHasTheSameGradients(t *testing.T) {
	e, err := cpu.New(2, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	w, frozen := NewParam(e, "w", []int{4, 4}, normal(16)), NewParam(e, "f", []int{4}, normal(4))
	frozen.Trainable = false
	type run struct {
		value      float32
		x, side, w []float32
	}
	layer := func(side *Var) func(t *Tape, x *Var) *Var {
		return func(t *Tape, x *Var) *Var {
			y := t.Tanh(t.Linear(t.MulRow(t.Dropout(x, 0.3, 5), t.Param(frozen)), t.Param(w), nil))
			return t.Reshape(t.Add(y, t.Mul(x, side)), 7, 4)
		}
	}
	pass := func(f func(t *Tape, x *Var, side *Var) *Var) run {
		tape := NewTape(e, true)
		x, side := tape.Leaf([]int{7, 4}, normal(28)), tape.Leaf([]int{7, 4}, normal(28))
		loss := tape.Sum(tape.Mul(f(tape, x, tape.Scale(side, 0.5)), tape.Const([]int{7, 4}, normal(28))))
		tape.Backward(loss)
		r := run{loss.Scalar(), x.Grad(), side.Grad(), w.GradData()}
		tape.Release()
		w.ZeroGrad()
		return r
	}
	same := func(what string, got, want run) {
		if got.value != want.value || !slices.Equal(got.x, want.x) || !slices.Equal(got.side, want.side) || !slices.Equal(got.w, want.w) {
			t.Errorf("%s: got %v, expected %v", what, got, want)
		}
	}
	same("two layers", pass(func(t *Tape, x, side *Var) *Var {
		return t.Checkpoint(t.Checkpoint(x, layer(side)), layer(side))
	}), pass(func(t *Tape, x, side *Var) *Var { return layer(side)(t, layer(side)(t, x)) }))
	same("one in the other", pass(func(t *Tape, x, side *Var) *Var {
		return t.Checkpoint(x, func(t *Tape, x *Var) *Var { return t.Checkpoint(layer(side)(t, x), layer(side)) })
	}), pass(func(t *Tape, x, side *Var) *Var { return layer(side)(t, layer(side)(t, x)) }))
	same("identity", pass(func(t *Tape, x, side *Var) *Var {
		return t.Mul(t.Checkpoint(x, func(t *Tape, x *Var) *Var { return x }), side)
	}), pass(func(t *Tape, x, side *Var) *Var { return t.Mul(x, side) }))
	blocks := func(checkpoint bool) func(t *Tape, x, side *Var) *Var {
		f := func(t *Tape, x *Var) *Var { return t.Sum(t.Linear(t.Tanh(x), t.Param(w), nil)) }
		return func(t *Tape, x, side *Var) *Var {
			l := t.SumBlocks(x, 3, func(t *Tape, x *Var, _, _ int) *Var {
				if checkpoint {
					return t.Checkpoint(x, f)
				}
				return f(t, x)
			})
			return t.MulRow(side, t.Concat(t.Reshape(l, 1, 1), t.Reshape(l, 1, 1), t.Reshape(l, 1, 1), t.Reshape(l, 1, 1)))
		}
	}
	same("in a block", pass(blocks(true)), pass(blocks(false)))
}

// What needs no gradient is not computed twice, and all memory goes back.
func TestCheckpointKeepsNothing(t *testing.T) {
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	w := NewParam(e, "w", []int{8, 8}, normal(64))
	before := e.InUse()
	step := func(trains, backward bool) int64 {
		w.Trainable = trains
		tape := NewTape(e, true)
		defer w.ZeroGrad()
		defer tape.Release()
		y := tape.Checkpoint(tape.Const([]int{9, 8}, normal(72)), func(t *Tape, x *Var) *Var { return t.Tanh(t.Linear(x, t.Param(w), nil)) })
		if y.NeedsGrad() != trains {
			t.Errorf("trains %v, but needs a gradient %v", trains, y.NeedsGrad())
		}
		if held := e.InUse() - before; held > 2*512 { // x and y of 288 bytes, by size classes
			t.Errorf("%d bytes are kept", held)
		}
		forward := tape.FLOPs()
		if backward {
			tape.Backward(tape.Sum(y))
		}
		return tape.FLOPs() - forward
	}
	if frozen, trained := step(false, true), step(true, true); frozen > 72 || trained < 2*2*9*8*8 {
		t.Errorf("the backward pass took %d FLOPs of a frozen layer, %d of one that trains", frozen, trained)
	}
	step(true, false)
	if now := e.InUse(); now != before {
		t.Errorf("%d bytes in use, %d before", now, before)
	}
}
