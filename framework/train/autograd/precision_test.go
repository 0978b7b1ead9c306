package autograd

import (
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/cpu"
)

// A tape on an engine in bf16 rounds the operands of products, forward and
// backward, and nothing else: the gradients are those of f32 but for that.
func TestPrecisionOfProducts(t *testing.T) {
	run := func(precision string) (y, dx, dw []float32, seen map[string]bool) {
		e, err := cpu.New(2, "")
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := compute.SetPrecision(e, precision); err != nil {
			t.Fatal(err)
		}
		r := &mixedRecorder{e, map[string]bool{}}
		tape := NewTape(r, true)
		x, w := tape.Leaf([]int{9, 70}, normal(9*70)), tape.Leaf([]int{33, 70}, normal(33*70))
		out := tape.Mul(tape.Linear(x, w, nil), tape.Linear(x, w, nil))
		tape.Backward(tape.Sum(out))
		return out.Value(), x.Grad(), w.Grad(), r.seen
	}
	y, dx, dw, seen := run("")
	hy, hdx, hdw, half := run(compute.BF16Precision)
	if !seen["gemm"] || seen["gemm_bf16"] || half["gemm"] || !half["gemm_bf16"] {
		t.Fatalf("products by %v in f32 and %v in bf16", seen, half)
	}
	for what, pair := range map[string][2][]float32{"y": {y, hy}, "dx": {dx, hdx}, "dw": {dw, hdw}} {
		worst, size := 0.0, 0.0
		for i, v := range pair[0] {
			worst, size = max(worst, math.Abs(float64(v-pair[1][i]))), max(size, math.Abs(float64(v)))
		}
		if !(worst > 0 && worst < 0.02*size) {
			t.Errorf("%s in bf16 differs by %.3g of %.3g", what, worst, size)
		}
	}
	e, err := cpu.New(1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := compute.SetPrecision(e, "f16"); err == nil {
		t.Error("precision f16 was taken")
	}
}

type mixedRecorder struct {
	compute.Mixed
	seen map[string]bool
}

func (r *mixedRecorder) Kernel(op string) (compute.Kernel, bool) {
	r.seen[op] = true
	return r.Mixed.Kernel(op)
}
