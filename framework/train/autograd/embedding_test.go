package autograd

import (
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute/ref"
)

// A padding token's row gets no gradient, the others get Embedding's.
func TestEmbeddingWithoutARow(t *testing.T) {
	look := func(ids []int32, embed func(tape *Tape, x *Var) *Var) (value, grad []float32) {
		tape := NewTape(ref.New(), true)
		defer tape.Release()
		x := tape.Leaf([]int{3, 2}, []float32{1, 2, 3, 4, 5, 6})
		y := embed(tape, x)
		tape.Backward(tape.Add(tape.Sum(tape.Mul(y, y)), tape.Sum(tape.Scale(x, 0.5))))
		return y.Value(), x.Grad()
	}
	for _, ids := range [][]int32{{2, 0, 2}, {1, 2, 1, 0, 2}, {1, 1}} {
		value, want := look(ids, func(tape *Tape, x *Var) *Var { return tape.Embedding(x, ids) })
		want[2], want[3] = 0.5, 0.5 // row 1: what does not come by the embedding stays
		got, grad := look(ids, func(tape *Tape, x *Var) *Var { return tape.EmbeddingWithout(x, ids, 1) })
		if !slices.Equal(got, value) || !slices.Equal(grad, want) {
			t.Errorf("%v: %v with gradient %v, want %v with %v", ids, got, grad, value, want)
		}
	}
}
