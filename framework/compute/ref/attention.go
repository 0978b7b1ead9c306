package ref

import (
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

// view is one query row of one head with the keys that it sees.
type view struct {
	row, head int
	qo        int       // offset of the query
	ko, ks    int       // offset of the first key seen, and from one key to the next
	bo        int       // offset of the first key's bias
	p         []float64 // scores
	slope     []float64 // of each score by scale q·k
}

// each calls fn for every query row of every sequence and head.
func each(a *compute.Args, bias []float64, fn func(w view)) {
	h, kv, d, segs := int(a.Int[1]), int(a.Int[2]), int(a.Int[3]), int(a.Int[4])
	left, right, reach := int(a.Int[8]), int(a.Int[9]), int(a.Int[10])
	if a.Int[5] != 0 {
		right = 1
	}
	q, k, seg, scale, limit := f(a, 0), f(a, 1), ints(a, 3), a.Float[0], a.Float[1]
	for s := 0; s < segs; s++ {
		q0, nq, k0, nk := int(seg[4*s]), int(seg[4*s+1]), int(seg[4*s+2]), int(seg[4*s+3])
		for g := 0; g < h; g++ {
			for i := 0; i < nq; i++ {
				at, lo, hi := i+nk-nq, 0, nk
				if left > 0 {
					lo = max(0, at-left+1)
				}
				if right > 0 {
					hi = min(nk, at+right)
				}
				w := view{row: q0 + i, head: g, qo: ((q0+i)*h + g) * d, ko: (k0+lo)*kv*d + g/(h/kv)*d, ks: kv * d,
					bo: g*(2*reach-1) + reach - 1 + lo - at, p: make([]float64, hi-lo), slope: make([]float64, hi-lo)}
				for j := range w.p {
					for c := 0; c < d; c++ {
						w.p[j] += q[w.qo+c] * k[w.ko+j*w.ks+c]
					}
					w.p[j] *= scale
					w.slope[j] = 1
					if limit > 0 {
						t := math.Tanh(w.p[j] / limit)
						w.p[j], w.slope[j] = limit*t, 1-t*t
					}
					if reach > 0 && bias != nil {
						w.p[j] += bias[w.bo+j]
					}
				}
				fn(w)
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
	each(a, f(a, 6), func(w view) {
		l := logSumExp(w.p)
		if lse != nil {
			lse[w.row*h+w.head] = l
		}
		for c := 0; c < d; c++ {
			o[w.qo+c] = 0
		}
		for j := range w.p {
			p := math.Exp(w.p[j] - l)
			for c := 0; c < d; c++ {
				o[w.qo+c] += p * v[w.ko+j*w.ks+c]
			}
		}
	})
}

func attentionGrad(a *compute.Args) {
	d, scale, reach := int(a.Int[3]), a.Float[0], a.Int[10]
	q, k, v, do := f(a, 0), f(a, 1), f(a, 2), f(a, 6)
	dq, dk, dv, dbias := f(a, 7), f(a, 8), f(a, 9), f(a, 11)
	each(a, f(a, 10), func(w view) {
		l := logSumExp(w.p)
		dp := make([]float64, len(w.p))
		var mean float64
		for j := range w.p {
			w.p[j] = math.Exp(w.p[j] - l)
			for c := 0; c < d; c++ {
				dp[j] += do[w.qo+c] * v[w.ko+j*w.ks+c]
				dv[w.ko+j*w.ks+c] += w.p[j] * do[w.qo+c]
			}
			mean += w.p[j] * dp[j]
		}
		for j := range w.p {
			ds := w.p[j] * (dp[j] - mean)
			if reach > 0 && dbias != nil {
				dbias[w.bo+j] += ds
			}
			ds *= w.slope[j] * scale
			for c := 0; c < d; c++ {
				dq[w.qo+c] += ds * k[w.ko+j*w.ks+c]
				dk[w.ko+j*w.ks+c] += ds * q[w.qo+c]
			}
		}
	})
}
