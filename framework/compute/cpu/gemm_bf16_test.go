package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
)

// rounded is x as a bf16, subnormal numbers as zero.
func rounded(x float32) float32 {
	u := math.Float32bits(x)
	u = (u + 0x7fff + u>>16&1) &^ 0xffff
	if u&0x7f800000 == 0 {
		u &= 0x80000000
	}
	return math.Float32frombits(u)
}

// fma is a b + c with one rounding, for factors of 8 bits, and subnormal results as zero.
func fma(a, b, c float32) float32 {
	s := float32(float64(a)*float64(b) + float64(c))
	if math.Abs(float64(s)) < 0x1p-126 {
		return float32(math.Copysign(0, float64(s)))
	}
	return s
}

// inTiles is one element of a product as gemm_bf16 is documented.
func inTiles(a, b []float32) float32 {
	var c float32
	for from := 0; from < len(a); from += 768 {
		to := min(from+768, len(a))
		var block float32
		for k := from; k < to; k += 32 {
			var chain [2]float32
			for i := k; i < k+32; i++ {
				x, y := float32(0), float32(0)
				if i < to {
					x, y = rounded(a[i]), rounded(b[i])
				}
				chain[i%2] = fma(x, y, chain[i%2])
			}
			block += chain[0] + chain[1]
		}
		c += block
	}
	return c
}

// TestBF16IsInTiles holds every instruction set, the tile unit where there is
// one, against the documented order of additions, and tiny numbers against their
// being zero.
func TestBF16IsInTiles(t *testing.T) {
	const m, n, k = 35, 33, 1700
	r := rand.New(rand.NewPCG(5, 6))
	draw := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
			switch {
			case i%97 == 0:
				x[i] *= 0x1p-124 // some become subnormal, products vanish
			case i%7 == 0:
				x[i] *= 0x1p-9
			}
		}
		return x
	}
	a, b := draw(m*k), draw(n*k)
	for _, isa := range ISAs() {
		e := engine(t, 2, isa)
		x, w := e.Alloc(compute.F32, m*k), e.Alloc(compute.F32, n*k)
		e.Upload(x, a)
		e.Upload(w, b)
		y := e.Alloc(compute.F32, m*n)
		if err := compute.Call(e, compute.GemmBF16, []compute.Buffer{x, w, nil, y}, []int64{m, n, k, 0, 1, 0}, nil); err != nil {
			t.Fatal(err)
		}
		got := make([]float32, m*n)
		e.Download(got, y)
		for i := range m {
			for j := range n {
				if want := inTiles(a[i*k:(i+1)*k], b[j*k:(j+1)*k]); got[i*n+j] != want {
					t.Fatalf("%s: element %d,%d is %v, want %v", isa, i, j, got[i*n+j], want)
				}
			}
		}
	}
}

// TestBF16PassesSpecialValues: infinities and NaN go through a product, and the
// largest finite number rounds to infinity as bf16 has it.
func TestBF16PassesSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, isa := range ISAs() {
		e := engine(t, 1, isa)
		for _, c := range []struct{ x, want float32 }{{inf, inf}, {-inf, -inf}, {nan, nan}, {math.Float32frombits(0x7f800001), nan}, {math.MaxFloat32, inf}, {0x1p-130, 0}, {1 + 0x1p-8, 1}, {1 + 0x1p-7, 1 + 0x1p-7}} {
			x, w, y := e.Alloc(compute.F32, 1), e.Alloc(compute.F32, 1), e.Alloc(compute.F32, 1)
			e.Upload(x, []float32{c.x})
			e.Upload(w, []float32{1})
			if err := compute.Call(e, compute.GemmBF16, []compute.Buffer{x, w, nil, y}, []int64{1, 1, 1, 0, 1, 0}, nil); err != nil {
				t.Fatal(err)
			}
			got := make([]float32, 1)
			e.Download(got, y)
			if got[0] != c.want && !(got[0] != got[0] && c.want != c.want) {
				t.Errorf("%s: %v became %v, want %v", isa, c.x, got[0], c.want)
			}
		}
	}
}
