package ref

import (
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

func init() {
	Register("rms_norm", func(a *compute.Args) {
		c, x, g, y, rstd := int(a.Int[1]), f(a, 0), f(a, 1), f(a, 2), f(a, 3)
		for n := range rstd {
			row := x[n*c : (n+1)*c]
			var s float64
			for _, v := range row {
				s += v * v
			}
			rstd[n] = 1 / math.Sqrt(s/float64(c)+a.Float[0])
			for j, v := range row {
				y[n*c+j] = v * rstd[n] * (g[j] + a.Float[1])
			}
		}
	})
	Register("rms_norm_grad", func(a *compute.Args) {
		c, x, g, rstd, dy, dx, dg := int(a.Int[1]), f(a, 0), f(a, 1), f(a, 2), f(a, 3), f(a, 4), f(a, 5)
		shift := a.Float[0]
		for n, r := range rstd {
			var m float64
			for j := 0; j < c; j++ {
				m += (g[j] + shift) * dy[n*c+j] * x[n*c+j] * r / float64(c)
			}
			for j := 0; j < c; j++ {
				xhat := x[n*c+j] * r
				if dx != nil {
					dx[n*c+j] += r * ((g[j]+shift)*dy[n*c+j] - xhat*m)
				}
				if dg != nil {
					dg[j] += dy[n*c+j] * xhat
				}
			}
		}
	})
	Register("layer_norm", func(a *compute.Args) {
		c, x, g, b, y, mean, rstd := int(a.Int[1]), f(a, 0), f(a, 1), f(a, 2), f(a, 3), f(a, 4), f(a, 5)
		for n := range rstd {
			row := x[n*c : (n+1)*c]
			var s, v2 float64
			for _, v := range row {
				s += v
			}
			mean[n] = s / float64(c)
			for _, v := range row {
				v2 += (v - mean[n]) * (v - mean[n])
			}
			rstd[n] = 1 / math.Sqrt(v2/float64(c)+a.Float[0])
			for j, v := range row {
				y[n*c+j] = (v-mean[n])*rstd[n]*g[j] + b[j]
			}
		}
	})
	Register("layer_norm_grad", func(a *compute.Args) {
		c, x, g, mean, rstd, dy := int(a.Int[1]), f(a, 0), f(a, 1), f(a, 2), f(a, 3), f(a, 4)
		dx, dg, db := f(a, 5), f(a, 6), f(a, 7)
		for n, r := range rstd {
			var m, mx float64
			for j := 0; j < c; j++ {
				t := g[j] * dy[n*c+j] / float64(c)
				m += t
				mx += t * (x[n*c+j] - mean[n]) * r
			}
			for j := 0; j < c; j++ {
				xhat := (x[n*c+j] - mean[n]) * r
				if dx != nil {
					dx[n*c+j] += r * (g[j]*dy[n*c+j] - m - xhat*mx)
				}
				if dg != nil {
					dg[j] += dy[n*c+j] * xhat
				}
				if db != nil {
					db[j] += dy[n*c+j]
				}
			}
		}
	})
}
