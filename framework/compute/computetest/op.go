package computetest

import (
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
)

// Case says how an op is tested, as a row of the table does for this module's.
type Case struct {
	// Tolerance is the largest difference between the engines, relative to the
	// largest element or to 1.
	Tolerance float64
	// Low and High bound the uniform F32 inputs; equal means normal.
	Low, High float32
	Ints      [][]int64                  // the integer arguments of each call
	Floats    []float64                  // of all of them
	Indices   func(ints []int64) []int32 // fills the I32 buffers; nil where there are none
}

// Op runs one op on e and on ref with every row of c.Ints, with every argument
// given and with each optional one left out, and compares all outputs. Both
// engines must have a kernel of it.
func Op(t *testing.T, e, ref compute.Engine, op *compute.Op, c Case) {
	t.Helper()
	if len(c.Ints) == 0 {
		t.Fatalf("op %s: the case has no integer arguments to try", op.Name)
	}
	run(t, e, ref, op, check{tol: c.Tolerance, low: c.Low, high: c.High, cases: c.Ints, floats: c.Floats, indices: c.Indices}, near)
}
