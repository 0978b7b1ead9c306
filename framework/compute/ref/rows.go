package ref

import (
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

// cells registers a kernel that visits every cell of an [N,C] matrix.
func cells(op string, make func(a *compute.Args) func(n, c, i int)) {
	Register(op, func(a *compute.Args) {
		fn := make(a)
		rows, cols := int(a.Int[0]), int(a.Int[1])
		for n := 0; n < rows; n++ {
			for c := 0; c < cols; c++ {
				fn(n, c, n*cols+c)
			}
		}
	})
}

func zero(x []float64) {
	for i := range x {
		x[i] = 0
	}
}

func init() {
	cells("add_row", func(a *compute.Args) func(n, c, i int) {
		x, r, y := f(a, 0), f(a, 1), f(a, 2)
		return func(_, c, i int) { y[i] = x[i] + r[c] }
	})
	cells("mul_row", func(a *compute.Args) func(n, c, i int) {
		x, r, y := f(a, 0), f(a, 1), f(a, 2)
		return func(_, c, i int) { y[i] = x[i] * r[c] }
	})
	cells("mul_col", func(a *compute.Args) func(n, c, i int) {
		x, s, y := f(a, 0), f(a, 1), f(a, 2)
		return func(n, _, i int) { y[i] = x[i] * s[n] }
	})
	cells("col_sum", func(a *compute.Args) func(n, c, i int) {
		x, r := f(a, 0), f(a, 1)
		return func(_, c, i int) { r[c] += x[i] }
	})
	cells("row_sum", func(a *compute.Args) func(n, c, i int) {
		x, s := f(a, 0), f(a, 1)
		zero(s)
		return func(n, _, i int) { s[n] += x[i] }
	})
	cells("mul_row_grad", func(a *compute.Args) func(n, c, i int) {
		x, r, dy, dx, dr := f(a, 0), f(a, 1), f(a, 2), f(a, 3), f(a, 4)
		return func(_, c, i int) {
			if dx != nil {
				dx[i] += dy[i] * r[c]
			}
			if dr != nil {
				dr[c] += dy[i] * x[i]
			}
		}
	})
	cells("mul_col_grad", func(a *compute.Args) func(n, c, i int) {
		x, s, dy, dx, ds := f(a, 0), f(a, 1), f(a, 2), f(a, 3), f(a, 4)
		return func(n, _, i int) {
			if dx != nil {
				dx[i] += dy[i] * s[n]
			}
			if ds != nil {
				ds[n] += dy[i] * x[i]
			}
		}
	})
	cells("row_sum_grad", func(a *compute.Args) func(n, c, i int) {
		ds, dx := f(a, 0), f(a, 1)
		return func(n, _, i int) { dx[i] += ds[n] }
	})
	Register("sum", func(a *compute.Args) {
		var s float64
		for _, v := range f(a, 0) {
			s += v
		}
		f(a, 1)[0] = s
	})
	Register("sum_grad", func(a *compute.Args) {
		ds, dx := f(a, 0)[0], f(a, 1)
		for i := range dx {
			dx[i] += ds
		}
	})
	Register("sum_squares", func(a *compute.Args) {
		s := f(a, 1)
		zero(s)
		for i, v := range f(a, 0) {
			s[i/4096] += v * v
		}
	})
	Register("softmax", func(a *compute.Args) {
		c, x, y := int(a.Int[1]), f(a, 0), f(a, 1)
		for o := 0; o < len(x); o += c {
			l := logSumExp(x[o : o+c])
			for i := o; i < o+c; i++ {
				y[i] = math.Exp(x[i] - l)
			}
		}
	})
	Register("softmax_grad", func(a *compute.Args) {
		c, y, dy, dx := int(a.Int[1]), f(a, 0), f(a, 1), f(a, 2)
		for o := 0; o < len(y); o += c {
			var m float64
			for i := o; i < o+c; i++ {
				m += dy[i] * y[i]
			}
			for i := o; i < o+c; i++ {
				dx[i] += y[i] * (dy[i] - m)
			}
		}
	})
	Register("gather_rows", func(a *compute.Args) {
		c, x, y := int(a.Int[1]), f(a, 0), f(a, 2)
		for i, r := range ints(a, 1) {
			copy(y[i*c:(i+1)*c], x[int(r)*c:])
		}
	})
	Register("scatter_add_rows", func(a *compute.Args) {
		c, dy, dx := int(a.Int[1]), f(a, 0), f(a, 2)
		for i, r := range ints(a, 1) {
			put(dx[int(r)*c:(int(r)+1)*c], dy[i*c:(i+1)*c], 1)
		}
	})
	Register("put_rows", func(a *compute.Args) {
		c, x, y := int(a.Int[1]), f(a, 0), f(a, 2)
		for i, r := range ints(a, 1) {
			copy(y[int(r)*c:(int(r)+1)*c], x[i*c:(i+1)*c])
		}
	})
	Register("segment_mean", func(a *compute.Args) {
		c, x, start, y := int(a.Int[1]), f(a, 0), ints(a, 1), f(a, 2)
		zero(y)
		for s := 0; s < int(a.Int[2]); s++ {
			for n := start[s]; n < start[s+1]; n++ {
				for j := 0; j < c; j++ {
					y[s*c+j] += x[int(n)*c+j] / float64(start[s+1]-start[s])
				}
			}
		}
	})
	Register("segment_mean_grad", func(a *compute.Args) {
		c, dy, start, dx := int(a.Int[1]), f(a, 0), ints(a, 1), f(a, 2)
		for s := 0; s < int(a.Int[2]); s++ {
			for n := start[s]; n < start[s+1]; n++ {
				for j := 0; j < c; j++ {
					dx[int(n)*c+j] += dy[s*c+j] / float64(start[s+1]-start[s])
				}
			}
		}
	})
}
