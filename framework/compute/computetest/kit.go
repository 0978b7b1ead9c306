package computetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
)

// Parity runs every op of the table on e and on ref, with every argument given
// and with each optional one left out, and compares all outputs.
func Parity(t *testing.T, e, ref compute.Engine) {
	walk(t, e, ref, near)
}

func near(t *testing.T, c check, what string, got, want []float32) {
	var scale, worst float64
	for i := range want {
		scale = math.Max(scale, math.Abs(float64(want[i])))
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= c.tol*math.Max(scale, 1)) {
		t.Errorf("%s differs by %.3g of %.3g, allowed %.3g", what, worst, scale, c.tol*scale)
	}
}

// SameBits runs every op of the table on both engines and wants equal bits.
func SameBits(t *testing.T, a, b compute.Engine) {
	walk(t, a, b, func(t *testing.T, _ check, what string, got, want []float32) {
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Errorf("%s element %d: %v and %v", what, i, got[i], want[i])
				return
			}
		}
	})
}

func walk(t *testing.T, a, b compute.Engine, compare func(t *testing.T, c check, what string, x, y []float32)) {
	for _, op := range compute.Ops() {
		t.Run(op.Name, func(t *testing.T) {
			c, ok := table[op.Name]
			if !ok || len(c.cases) == 0 {
				t.Fatal("the op has no cases: add a row with its tolerance to compute/computetest/table.go")
			}
			run(t, a, b, op, c, compare)
		})
	}
}

// run compares all cases of one op.
func run(t *testing.T, a, b compute.Engine, op *compute.Op, c check, compare func(t *testing.T, c check, what string, x, y []float32)) {
	for _, floats := range append([][]float64{c.floats}, c.more...) {
		c.floats = floats
		for k, ints := range c.cases {
			for _, omit := range omissions(op) {
				x, y := outputs(t, a, op, c, k, omit), outputs(t, b, op, c, k, omit)
				for i, spec := range op.Bufs {
					if x[i] != nil {
						compare(t, c, fmt.Sprintf("%v %v without %d: %s", ints, floats, omit, spec.Name), x[i], y[i])
					}
				}
			}
		}
	}
}

// omissions lists the optional arguments to leave out, -1 for none.
func omissions(op *compute.Op) []int {
	list := []int{-1}
	for k, b := range op.Bufs {
		if b.Dir&compute.Optional != 0 {
			list = append(list, k)
		}
	}
	return list
}

// outputs runs one case and returns what it wrote.
func outputs(t *testing.T, e compute.Engine, op *compute.Op, c check, k, omit int) [][]float32 {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(k), uint64(len(op.Name))))
	var a compute.Args
	copy(a.Int[:], c.cases[k])
	copy(a.Float[:], c.floats)
	var need [compute.MaxBufs]int64
	op.Sizes(&a.Int, &need)
	for i, spec := range op.Bufs {
		n := int(need[i])
		b := e.Alloc(spec.Type, n)
		defer e.Free(b)
		a.Buf[i] = b
		switch spec.Type {
		case compute.I32:
			e.Upload(b, c.indices(a.Int[:]))
		case compute.U8:
			d := make([]uint8, n)
			for j := range d {
				d[j] = uint8(r.UintN(256))
			}
			e.Upload(b, d)
		default:
			e.Upload(b, floats(r, n, c))
		}
	}
	if c.forward != nil {
		f := compute.Args{Int: a.Int, Float: a.Float}
		var size [compute.MaxBufs]int64
		c.forward.Sizes(&f.Int, &size)
		for i, spec := range c.forward.Bufs {
			f.Buf[i] = e.Alloc(spec.Type, int(size[i]))
			defer e.Free(f.Buf[i])
		}
		for _, p := range c.pairs {
			f.Buf[p[0]] = a.Buf[p[1]]
			if p[1] == omit {
				f.Buf[p[0]] = nil
			}
		}
		if err := compute.Run(e, c.forward, &f); err != nil {
			t.Fatal(err)
		}
	}
	if omit >= 0 {
		a.Buf[omit] = nil
	}
	if err := compute.Run(e, op, &a); err != nil {
		t.Fatal(err)
	}
	out := make([][]float32, len(op.Bufs))
	for i, spec := range op.Bufs {
		if a.Buf[i] != nil && spec.Dir&compute.Out != 0 {
			out[i] = make([]float32, a.Buf[i].Len())
			e.Download(out[i], a.Buf[i])
		}
	}
	return out
}

func floats(r *rand.Rand, n int, c check) []float32 {
	d := make([]float32, n)
	for j := range d {
		if c.low == c.high {
			d[j] = float32(r.NormFloat64())
		} else {
			d[j] = c.low + (c.high-c.low)*r.Float32()
		}
	}
	return d
}
