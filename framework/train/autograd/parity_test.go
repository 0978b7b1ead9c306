package autograd

import (
	"fmt"
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/compute/ref"
)

// run computes a case's outputs and gradients on an engine.
func run(e compute.Engine, c gradCase) (names []string, vals [][]float32) {
	tape, in, outs := forward(e, c, leaves(c), 0, 0, 0)
	tape.BackwardWith(outs, seeds(outs))
	for i, o := range outs {
		names, vals = append(names, fmt.Sprintf("output %d", i)), append(vals, o.Value())
	}
	for i, x := range in {
		names, vals = append(names, fmt.Sprintf("gradient %d", i)), append(vals, x.Grad())
	}
	tape.Release()
	return names, vals
}

// TestCPUMatchesReference compares every output and gradient of the table
// between the cpu engine and ref, within the tolerance beside the case.
func TestCPUMatchesReference(t *testing.T) {
	r, e := ref.New(), newCPU(t, 1, "")
	for _, c := range gradCases() {
		names, want := run(r, c)
		_, got := run(e, c)
		for i := range want {
			var scale, worst float64
			for j := range want[i] {
				scale = math.Max(scale, math.Abs(float64(want[i][j])))
				d := math.Abs(float64(got[i][j]) - float64(want[i][j]))
				if !(d <= worst) {
					worst = d
				}
			}
			if !(worst <= c.tol*math.Max(scale, 1e-3)) {
				t.Errorf("%s: %s differs by %.3g of %.3g, allowed %.3g", c.name, names[i], worst, scale, c.tol*scale)
			}
		}
	}
}

// TestSameBits compares every output and gradient of the table bit for bit
// between instruction sets and numbers of threads.
func TestSameBits(t *testing.T) {
	base := newCPU(t, 1, "portable")
	for _, isa := range cpu.ISAs() {
		for _, threads := range []int{1, 3} {
			e := newCPU(t, threads, isa)
			for _, c := range gradCases() {
				names, want := run(base, c)
				_, got := run(e, c)
				for i := range want {
					if at := firstDifference(want[i], got[i]); at >= 0 {
						t.Errorf("%s on %s with %d threads: %s element %d is %v, portable gives %v", c.name, isa, threads, names[i], at, got[i][at], want[i][at])
					}
				}
			}
		}
	}
}

func firstDifference(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

func newCPU(t testing.TB, threads int, isa string) *cpu.Engine {
	t.Helper()
	e, err := cpu.New(threads, isa)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}
