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
	n, h, d := int(a.Int[0]), int(a.Int[1]), int(a.Int[2])
	sign, half := float64(a.Int[3]), d/2
	x, pos, cos, sin := f(a, 0), ints(a, 1), f(a, 2), f(a, 3)
	y := make([]float64, len(x))
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

// each calls fn for every query row of every sequence and head, with the offset
// of the query, and the scores of the keys it may see.
func each(a *compute.Args, fn func(row, head, qo, k0, kstride, ko int, p []float64)) {
	h, kv, d, segs, causal := int(a.Int[1]), int(a.Int[2]), int(a.Int[3]), int(a.Int[4]), a.Int[5] != 0
	q, k, seg := f(a, 0), f(a, 1), ints(a, 3)
	for s := 0; s < segs; s++ {
		q0, nq, k0, nk := int(seg[4*s]), int(seg[4*s+1]), int(seg[4*s+2]), int(seg[4*s+3])
		for g := 0; g < h; g++ {
			ko := g / (h / kv) * d
			for i := 0; i < nq; i++ {
				see := nk
				if causal {
					see = i + nk - nq + 1
				}
				qo := ((q0+i)*h + g) * d
				p := make([]float64, see)
				for j := range p {
					for c := 0; c < d; c++ {
						p[j] += q[qo+c] * k[(k0+j)*kv*d+ko+c]
					}
					p[j] *= a.Float[0]
				}
				fn(q0+i, g, qo, k0, kv*d, ko, p)
			}
		}
	}
}

func logSumExp(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = math.Max(m, v)
	}
	var s float64
	for _, v := range x {
		s += math.Exp(v - m)
	}
	return m + math.Log(s)
}

func attention(a *compute.Args) {
	h, d := int(a.Int[1]), int(a.Int[3])
	v, o, lse := f(a, 2), f(a, 4), f(a, 5)
	each(a, func(row, head, qo, k0, ks, ko int, p []float64) {
		l := logSumExp(p)
		if lse != nil {
			lse[row*h+head] = l
		}
		for c := 0; c < d; c++ {
			o[qo+c] = 0
		}
		for j := range p {
			w := math.Exp(p[j] - l)
			for c := 0; c < d; c++ {
				o[qo+c] += w * v[(k0+j)*ks+ko+c]
			}
		}
	})
}

func attentionGrad(a *compute.Args) {
	d, scale := int(a.Int[3]), a.Float[0]
	q, k, v, do := f(a, 0), f(a, 1), f(a, 2), f(a, 6)
	dq, dk, dv := f(a, 7), f(a, 8), f(a, 9)
	each(a, func(row, head, qo, k0, ks, ko int, p []float64) {
		l := logSumExp(p)
		dp := make([]float64, len(p))
		var mean float64
		for j := range p {
			p[j] = math.Exp(p[j] - l)
			for c := 0; c < d; c++ {
				dp[j] += do[qo+c] * v[(k0+j)*ks+ko+c]
				dv[(k0+j)*ks+ko+c] += p[j] * do[qo+c]
			}
			mean += p[j] * dp[j]
		}
		for j := range p {
			ds := p[j] * (dp[j] - mean) * scale
			for c := 0; c < d; c++ {
				dq[qo+c] += ds * k[(k0+j)*ks+ko+c]
				dk[(k0+j)*ks+ko+c] += ds * q[qo+c]
			}
		}
	})
}
