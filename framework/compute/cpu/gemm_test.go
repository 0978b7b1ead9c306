package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
)

// upload makes a buffer of random numbers, among them signed zeros.
func upload(e *Engine, r *rand.Rand, n int) compute.Buffer {
	x := make([]float32, n)
	for i := range x {
		if x[i] = float32(r.NormFloat64()); i%11 == 3 {
			x[i] = float32(math.Copysign(0, float64(x[i])))
		}
	}
	b := e.Alloc(compute.F32, n)
	e.Upload(b, x)
	return b
}

// product runs op on rows of c, filled with the same numbers each time, and
// returns them. c is the op's last buffer.
func product(t *testing.T, e *Engine, op *compute.Op, rows, n int, ints []int64, bufs ...compute.Buffer) []float32 {
	t.Helper()
	c := upload(e, rand.New(rand.NewPCG(3, 4)), rows*n)
	defer e.Free(c)
	if err := compute.Call(e, op, append(bufs, c), ints, nil); err != nil {
		t.Fatal(err)
	}
	y := make([]float32, rows*n)
	e.Download(y, c)
	return y
}

func wantBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// slice is the first n elements of a buffer in a buffer of their own.
func slice(e *Engine, b compute.Buffer, n int) compute.Buffer {
	x := make([]float32, b.Len())
	e.Download(x, b)
	s := e.Alloc(compute.F32, n)
	e.Upload(s, x[:n])
	return s
}

// TestRowsAlone: a row of a product has the same bits whether it is computed
// with many others, through packed panels, or with few, as in generation; and
// NF4 weights give the bits of the floats that they stand for.
func TestRowsAlone(t *testing.T) {
	const all = 40
	for _, isa := range ISAs() {
		for _, s := range []struct{ n, k, acc int }{
			{1, 1, 0}, {7, 13, 1}, {16, 64, 0}, {33, 65, 1}, {67, 448, 1}, {97, 384, 0}, {49, 770, 1}, {131, 832, 0}, {64, 1, 1}, {96, 30, 0},
		} {
			for _, threads := range []int{1, 2, 3, 4} {
				e := engine(t, threads, isa)
				r := rand.New(rand.NewPCG(1, uint64(s.n)))
				a, bias, w := upload(e, r, all*s.k), upload(e, r, s.n), e.Alloc(compute.F32, s.n*s.k)
				codes, absmax := e.Alloc(compute.U8, (s.n*s.k+1)/2), upload(e, r, (s.n*s.k+63)/64)
				c := make([]uint8, codes.Len())
				for i := range c {
					c[i] = uint8(r.UintN(256))
				}
				e.Upload(codes, c)
				if err := compute.Call(e, compute.DequantNF4, []compute.Buffer{codes, absmax, w}, []int64{int64(s.n * s.k)}, nil); err != nil {
					t.Fatal(err)
				}
				for _, tb := range []int64{0, 1} {
					ints := []int64{all, int64(s.n), int64(s.k), 0, tb, int64(s.acc)}
					want := product(t, e, compute.Gemm, all, s.n, ints, a, w, bias)
					want16 := product(t, e, compute.GemmBF16, all, s.n, ints, a, w, bias)
					for m := 1; m <= all; m++ {
						if m > 17 && m < all {
							continue
						}
						part := slice(e, a, m*s.k)
						what := fmt.Sprintf("%s, %d threads, %d x %d x %d, tb %d", isa, threads, m, s.n, s.k, tb)
						ints[0] = int64(m)
						wantBits(t, what, product(t, e, compute.Gemm, m, s.n, ints, part, w, bias), want)
						four := []int64{int64(m), int64(s.n), int64(s.k), tb, int64(s.acc)}
						wantBits(t, what+", NF4", product(t, e, compute.GemmNF4, m, s.n, four, part, codes, absmax, bias), want)
						wantBits(t, what+", bf16", product(t, e, compute.GemmBF16, m, s.n, ints, part, w, bias), want16[:m*s.n])
						wantBits(t, what+", NF4 in bf16", product(t, e, compute.GemmNF4BF16, m, s.n, four, part, codes, absmax, bias), want16[:m*s.n])
						e.Free(part)
					}
				}
				e.Close()
			}
		}
	}
}
