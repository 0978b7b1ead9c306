package cpu

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/computetest"
	"github.com/tunelab/tunelab/framework/compute/ref"
)

// engine makes an engine that uses its threads for any amount of work.
func engine(t testing.TB, threads int, isa string) *Engine {
	t.Helper()
	e, err := New(threads, isa)
	if err != nil {
		t.Fatal(err)
	}
	e.parallel = 0
	t.Cleanup(e.Close)
	return e
}

func TestParityWithReference(t *testing.T) {
	computetest.Parity(t, engine(t, 2, ""), ref.New())
}

// TestSameBits: portable C, AVX2 and AVX-512, on 1, 2 and 3 threads.
func TestSameBits(t *testing.T) {
	base := engine(t, 1, "portable")
	for _, isa := range ISAs() {
		for _, threads := range []int{1, 2, 3} {
			t.Run(isa+string(rune('0'+threads)), func(t *testing.T) {
				computetest.SameBits(t, engine(t, threads, isa), base)
			})
		}
	}
}

func run(t *testing.T, e *Engine, op *compute.Op, x []float32, floats ...float64) []float32 {
	t.Helper()
	bx, by := e.Alloc(compute.F32, len(x)), e.Alloc(compute.F32, len(x))
	e.Upload(bx, x)
	if err := compute.Call(e, op, []compute.Buffer{bx, by}, []int64{int64(len(x))}, floats); err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(x))
	e.Download(y, by)
	return y
}

// TestMathAccuracy bounds the error of the polynomials over their whole range,
// in units in the last place of the result.
func TestMathAccuracy(t *testing.T) {
	e := engine(t, 1, "")
	for _, c := range []struct {
		op        *compute.Op
		fn        func(float64) float64
		low, high float64
		ulps      float64
	}{
		{compute.Exp, math.Exp, -87, 88.7, 2},
		{compute.Log, math.Log, 1e-30, 2, 2},
		{compute.Log, math.Log, 2, 1e30, 2},
		{compute.Tanh, math.Tanh, -9, 9, 3},
		{compute.Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, -80, 20, 4},
		{compute.Softplus, func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }, -80, 20, 4},
		{compute.Sqrt, math.Sqrt, 0, 1e10, 0.5001},
	} {
		x := make([]float32, 20011)
		for i := range x {
			x[i] = float32(c.low + (c.high-c.low)*float64(i)/float64(len(x)))
		}
		for i, y := range run(t, e, c.op, x) {
			want := c.fn(float64(x[i]))
			ulp := float64(math.Nextafter32(float32(math.Abs(want)), math.MaxFloat32)) - float64(float32(math.Abs(want)))
			if d := math.Abs(float64(y)-want) / ulp; !(d <= c.ulps) {
				t.Errorf("%s(%v) = %v, want %v: %.2f ulp, allowed %v", c.op.Name, x[i], y, want, d, c.ulps)
				break
			}
		}
	}
}

func TestSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, isa := range ISAs() {
		e := engine(t, 1, isa)
		for _, c := range []struct {
			op      *compute.Op
			x, want []float32
		}{
			{compute.Exp, []float32{0, -inf, inf, nan, 89, -200, -103}, []float32{1, 0, inf, nan, inf, 0, 1.4e-45}},
			{compute.Log, []float32{1, 0, -1, inf, nan, 1e-40}, []float32{0, -inf, nan, inf, nan, -92.10340}},
			{compute.Tanh, []float32{0, inf, -inf, nan, 1e-20}, []float32{0, 1, -1, nan, 1e-20}},
			{compute.Sigmoid, []float32{0, inf, -inf, nan}, []float32{0.5, 1, 0, nan}},
			{compute.GELU, []float32{0, 100, -100, nan}, []float32{0, 100, 0, nan}},
			{compute.ReLU, []float32{-1, 2, nan}, []float32{0, 2, nan}},
			{compute.Softplus, []float32{100, -200, nan, inf}, []float32{100, 0, nan, inf}},
		} {
			for i, y := range run(t, e, c.op, c.x) {
				w := c.want[i]
				if math.IsNaN(float64(w)) != math.IsNaN(float64(y)) || (y != w && math.Abs(float64(y-w)) > 1e-6*math.Abs(float64(w))) {
					t.Errorf("%s: %s(%v) = %v, want %v", isa, c.op.Name, c.x[i], y, w)
				}
			}
		}
	}
}

func TestMemoryIsReused(t *testing.T) {
	e := engine(t, 1, "")
	step := func() {
		var bs []compute.Buffer
		for n := 1; n < 40000; n = n*3 + 1 {
			bs = append(bs, e.AllocRaw(compute.F32, n), e.AllocRaw(compute.U8, n))
		}
		for _, b := range bs {
			e.Free(b)
			e.Free(b) // a second Free does nothing
		}
	}
	step()
	held := e.Held()
	for i := 0; i < 5; i++ {
		step()
	}
	if e.Held() != held || e.InUse() != 0 {
		t.Errorf("held %d bytes after one step and %d after six, %d in use", held, e.Held(), e.InUse())
	}
	x := e.AllocRaw(compute.F32, 1000)
	e.Upload(x, make([]float32, 1000))
	e.Free(x)
	y := e.Alloc(compute.F32, 1000)
	got := make([]float32, 1000)
	e.Download(got, y)
	for i, v := range got {
		if v != 0 {
			t.Fatalf("Alloc: element %d is %v, not zero", i, v)
		}
	}
}

func TestSizeClasses(t *testing.T) {
	last, lastSize := -1, 0
	for n := 0; n < 1<<20; n += 1 + n/97 {
		class, size := sizeClass(n)
		if size < n || class < last || (class == last && size != lastSize) || (n > 256 && size > n+n/4+64) {
			t.Fatalf("size %d: class %d of %d bytes after class %d of %d", n, class, size, last, lastSize)
		}
		last, lastSize = class, size
	}
}

func TestErrors(t *testing.T) {
	if _, err := New(1, "mmx"); err == nil || !strings.Contains(err.Error(), "mmx") {
		t.Errorf("unknown instruction set: %v", err)
	}
	e := engine(t, 1, "")
	b := e.Alloc(compute.F32, 4)
	err := compute.Call(e, compute.Exp, []compute.Buffer{b, e.Alloc(compute.F32, 3)}, []int64{4}, nil)
	var size *compute.SizeError
	if !errors.As(err, &size) || size.Arg != "y" || size.Want != 4 || size.Got != 3 {
		t.Errorf("wrong length: %v", err)
	}
	if err := compute.Call(e, compute.Exp, []compute.Buffer{b, nil}, []int64{4}, nil); err == nil || !strings.Contains(err.Error(), "y is missing") {
		t.Errorf("missing argument: %v", err)
	}
	odd := compute.RegisterOp(compute.Op{Name: "no_such_kernel", Doc: "test", Bufs: []compute.Arg{{Name: "x", Dir: compute.In}},
		Sizes: func(i *[compute.MaxInts]int64, n *[compute.MaxBufs]int64) { n[0] = i[0] }, Work: func(i *[compute.MaxInts]int64) int64 { return 0 }})
	var missing *compute.MissingOpError
	if err := compute.Call(e, odd, []compute.Buffer{b}, []int64{4}, nil); !errors.As(err, &missing) {
		t.Errorf("missing kernel: %v", err)
	}
	defer func() {
		if r := recover(); r == nil {
			t.Error("a freed buffer went into a kernel without a panic")
		}
	}()
	c := e.Alloc(compute.F32, 4)
	e.Free(c)
	_ = compute.Call(e, compute.Exp, []compute.Buffer{b, c}, []int64{4}, nil)
}
