package ref

import (
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
)

func init() {
	Register("nll", func(a *compute.Args) {
		v, x, target, nll, lse := int(a.Int[1]), f(a, 0), ints(a, 1), f(a, 2), f(a, 3)
		for n, t := range target {
			lse[n] = logSumExp(x[n*v : (n+1)*v])
			nll[n] = 0
			if t >= 0 {
				nll[n] = lse[n] - x[n*v+int(t)]
			}
		}
	})
	Register("nll_grad", func(a *compute.Args) {
		v, x, target, lse, dnll, dx := int(a.Int[1]), f(a, 0), ints(a, 1), f(a, 2), f(a, 3), f(a, 4)
		for n, t := range target {
			if t < 0 {
				continue
			}
			for j := 0; j < v; j++ {
				dx[n*v+j] += dnll[n] * math.Exp(x[n*v+j]-lse[n])
			}
			dx[n*v+int(t)] -= dnll[n]
		}
	})
	Register("cross_entropy", func(a *compute.Args) {
		v, x, target, w, nll, hit, dx := int(a.Int[1]), f(a, 0), ints(a, 1), f(a, 2), f(a, 3), f(a, 4), f(a, 5)
		for n, t := range target {
			row := x[n*v : (n+1)*v]
			lse := logSumExp(row)
			nll[n], hit[n] = 0, 0
			if t >= 0 {
				nll[n] = lse - row[t]
				if top := slices.Max(row); slices.Index(row, top) == int(t) {
					hit[n] = 1
				}
			}
			if dx == nil {
				continue
			}
			for j, xj := range row {
				d := 0.0
				if t >= 0 {
					d = w[n] * math.Exp(xj-lse)
				}
				dx[n*v+j] = d
			}
			if t >= 0 {
				dx[n*v+int(t)] -= w[n]
			}
		}
	})
	Register("log_prob", func(a *compute.Args) {
		v, x, target, logp, ent, lse := int(a.Int[1]), f(a, 0), ints(a, 1), f(a, 2), f(a, 3), f(a, 4)
		z := make([]float64, v)
		for n, t := range target {
			for j := range z {
				z[j] = x[n*v+j] / a.Float[0]
			}
			lse[n], ent[n], logp[n] = logSumExp(z), 0, 0
			for _, s := range z {
				l := s - lse[n]
				ent[n] -= math.Exp(l) * l
			}
			if t >= 0 {
				logp[n] = z[t] - lse[n]
			}
		}
	})
	Register("log_prob_grad", func(a *compute.Args) {
		v, x, target, ent, lse, dlogp, dent, dx := int(a.Int[1]), f(a, 0), ints(a, 1), f(a, 2), f(a, 3), f(a, 4), f(a, 5), f(a, 6)
		temp := a.Float[0]
		for n, t := range target {
			for j := 0; j < v; j++ {
				l := x[n*v+j]/temp - lse[n]
				p := math.Exp(l)
				var d float64
				if dlogp != nil && t >= 0 {
					d -= dlogp[n] * p
					if j == int(t) {
						d += dlogp[n]
					}
				}
				if dent != nil {
					d -= dent[n] * p * (l + ent[n])
				}
				dx[n*v+j] += d / temp
			}
		}
	})
	Register("adamw", func(a *compute.Args) {
		lr, b1, b2, eps, wd, c1, c2, gs := a.Float[0], a.Float[1], a.Float[2], a.Float[3], a.Float[4], a.Float[5], a.Float[6], a.Float[7]
		p, grad, m, v := f(a, 0), f(a, 1), f(a, 2), f(a, 3)
		for i := range p {
			g := gs * grad[i]
			p[i] *= 1 - lr*wd
			m[i] += (1 - b1) * (g - m[i])
			v[i] = b2*v[i] + (1-b2)*g*g
			p[i] -= lr / c1 * m[i] / (math.Sqrt(v[i])/math.Sqrt(c2) + eps)
		}
	})
}
