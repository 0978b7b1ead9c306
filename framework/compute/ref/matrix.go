package ref

import (
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

func init() {
	Register("gemm", func(a *compute.Args) {
		gemm(a.Int[0], a.Int[1], a.Int[2], f(a, 0), a.Int[3] != 0, f(a, 1), a.Int[4] != 0, f(a, 2), f(a, 3), a.Int[5])
	})
	Register("gemm_nf4", func(a *compute.Args) {
		m, n, k, tb := a.Int[0], a.Int[1], a.Int[2], a.Int[3] != 0
		w := make([]float64, n*k)
		dequant(w, bytesOf(a, 1), f(a, 2))
		gemm(m, n, k, f(a, 0), false, w, tb, f(a, 3), f(a, 4), a.Int[4])
	})
	Register("gemm_bf16", func(a *compute.Args) {
		gemm(a.Int[0], a.Int[1], a.Int[2], bf16(f(a, 0)), a.Int[3] != 0, bf16(f(a, 1)), a.Int[4] != 0, f(a, 2), f(a, 3), a.Int[5])
	})
	Register("gemm_nf4_bf16", func(a *compute.Args) {
		m, n, k, tb := a.Int[0], a.Int[1], a.Int[2], a.Int[3] != 0
		w := make([]float64, n*k)
		dequant(w, bytesOf(a, 1), f(a, 2))
		gemm(m, n, k, bf16(f(a, 0)), false, bf16(w), tb, f(a, 3), f(a, 4), a.Int[4])
	})
	Register("dequant_nf4", func(a *compute.Args) { dequant(f(a, 2), bytesOf(a, 0), f(a, 1)) })
	Register("transpose", func(a *compute.Args) {
		r, c := int(a.Int[0]), int(a.Int[1])
		x, y := f(a, 0), f(a, 1)
		t := make([]float64, len(x))
		for i := 0; i < r; i++ {
			for j := 0; j < c; j++ {
				t[j*r+i] = x[i*c+j]
			}
		}
		put(y, t, a.Int[2])
	})
	Register("rope", rope)
	Register("attention", attention)
	Register("attention_grad", attentionGrad)
}

// bf16 rounds to the nearest number of 8 significant bits, ties to even.
// Subnormal numbers become zero.
func bf16(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		u := math.Float32bits(float32(v))
		switch {
		case v != v:
			y[i] = v
		case u&0x7f800000 != 0:
			y[i] = float64(math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff))
		}
	}
	return y
}

func gemm(m, n, k int64, a []float64, ta bool, b []float64, tb bool, bias, c []float64, acc int64) {
	for i := int64(0); i < m; i++ {
		for j := int64(0); j < n; j++ {
			var s float64
			for l := int64(0); l < k; l++ {
				ai, bi := i*k+l, l*n+j
				if ta {
					ai = l*m + i
				}
				if tb {
					bi = j*k + l
				}
				s += a[ai] * b[bi]
			}
			if bias != nil {
				s += bias[j]
			}
			if acc != 0 {
				s += c[i*n+j]
			}
			c[i*n+j] = s
		}
	}
}

func dequant(w []float64, codes []byte, absmax []float64) {
	for i := range w {
		c := codes[i/2] & 15
		if i%2 == 0 {
			c = codes[i/2] >> 4
		}
		w[i] = float64(compute.NF4Table[c]) * absmax[i/64]
	}
}

func rope(a *compute.Args) {
	n, h, d, r := int(a.Int[0]), int(a.Int[1]), int(a.Int[2]), int(a.Int[6])
	if r == 0 {
		r = d
	}
	sign, half := float64(a.Int[3]), r/2
	x, pos, cos, sin := f(a, 0), ints(a, 1), f(a, 2), f(a, 3)
	y := make([]float64, len(x))
	copy(y, x)
	for i := 0; i < n; i++ {
		for g := 0; g < h; g++ {
			o := (i*h + g) * d
			for j := 0; j < half; j++ {
				c, s := cos[int(pos[i])*half+j], sign*sin[int(pos[i])*half+j]
				u, v := x[o+j], x[o+j+half]
				y[o+j], y[o+j+half] = u*c-v*s, v*c+u*s
			}
		}
	}
	put(f(a, 4), y, a.Int[4])
}
