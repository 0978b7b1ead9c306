package bench

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/compute"
)

// Every op of the table is measured, on arguments that it takes.
func TestEveryOpHasACall(t *testing.T) {
	e, err := openEngine(F32, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, op := range compute.Ops() {
		list := casesOf(op)
		if len(list) == 0 {
			t.Errorf("op %s has no call: give it one in shapes.go", op.Name)
		}
		for _, c := range list {
			var ints [compute.MaxInts]int64
			copy(ints[:], c.ints)
			if op.FLOPs(&ints)+op.Bytes(&ints) > 2e8 { // the large ones take seconds
				continue
			}
			a, size := c.args(e)
			if err := compute.Run(e, op, &a); err != nil {
				t.Errorf("%s, %s: %v", op.Name, c.what, err)
			}
			if size <= 0 {
				t.Errorf("%s, %s: of no size", op.Name, c.what)
			}
		}
	}
	for name := range shapes {
		if _, ok := compute.LookupOp(name); !ok {
			t.Errorf("shapes.go has calls of %s, which is no op", name)
		}
	}
}

func TestKernels(t *testing.T) {
	var steps []int
	r, err := Kernels(t.Context(), KernelOptions{Ops: []string{"rms_norm", "put_rows"}, Threads: 1, Span: 2 * time.Millisecond}, func(done, total int) {
		steps = append(steps, done, total)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(steps, []int{1, 3, 2, 3, 3, 3}) {
		t.Errorf("progress %v", steps)
	}
	for _, k := range r.Kernels {
		flops, moved := 5.0*tokens*width, 4.0*(2*tokens*width+width+tokens)
		switch k.Op {
		case "rms_norm_grad":
			flops, moved = 10*tokens*width, 4*(4*tokens*width+width+tokens+2*width)
		case "put_rows": // its table is not touched as a whole
			flops, moved = 0, 4*2*16*width
		}
		if math.Abs(k.GFLOPS*k.US*1e3-flops) > 1 || math.Abs(k.GBS*k.US*1e3-moved) > 1 {
			t.Errorf("%s: %g GFLOP/s and %g GB/s in %g us are not %g operations and %g bytes", k.Op, k.GFLOPS, k.GBS, k.US, flops, moved)
		}
		if !(k.Share > 0) || k.US > k.Median || k.Bound != "memory" {
			t.Errorf("%+v", k)
		}
	}
	if _, err := Kernels(t.Context(), KernelOptions{Ops: []string{"conv"}}, nil); err == nil || !strings.Contains(err.Error(), "conv") {
		t.Errorf("an op that is none: %v", err)
	}
}

func TestReadPeaksAreMeasuredOncePerSize(t *testing.T) {
	r := KernelReport{Machine: Machine{Features: "portable f32", Threads: 1, Cores: 1}}
	a, b, c := r.read(65536), r.read(65600), r.read(1<<20)
	if a != b || len(r.Read) != 2 || r.Read[0].Bytes != 65536 || r.Read[1].Bytes != 1<<20 || c <= 0 {
		t.Errorf("%v", r.Read)
	}
}
