package ref

import (
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func phi(x float64) float64 { return 0.5 * (1 + math.Erf(x/math.Sqrt2)) }

func density(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

const (
	geluA = 0.7978845608028654 // sqrt(2/pi)
	geluB = 0.044715
)

func unary(op string, fn func(x float64, p *[compute.MaxFloats]float64) float64) {
	Register(op, func(a *compute.Args) {
		x, y := f(a, 0), f(a, 1)
		for k := range y {
			y[k] = fn(x[k], &a.Float)
		}
	})
}

// unaryGrad registers dx += dy d(x, y).
func unaryGrad(op string, d func(x, y float64, p *[compute.MaxFloats]float64) float64) {
	Register(op, func(a *compute.Args) {
		x, y, dy, dx := f(a, 0), f(a, 1), f(a, 2), f(a, 3)
		for k := range dx {
			dx[k] += dy[k] * d(x[k], y[k], &a.Float)
		}
	})
}

func binary(op string, fn func(a, b float64) float64) {
	Register(op, func(a *compute.Args) {
		x, z, y := f(a, 0), f(a, 1), f(a, 2)
		for k := range y {
			y[k] = fn(x[k], z[k])
		}
	})
}

// binaryGrad registers da += dy ga, db += dy gb.
func binaryGrad(op string, d func(a, b float64) (ga, gb float64)) {
	Register(op, func(a *compute.Args) {
		x, z, dy, da, db := f(a, 0), f(a, 1), f(a, 2), f(a, 3), f(a, 4)
		for k := range dy {
			ga, gb := d(x[k], z[k])
			if da != nil {
				da[k] += dy[k] * ga
			}
			if db != nil {
				db[k] += dy[k] * gb
			}
		}
	})
}

type params = *[compute.MaxFloats]float64

func init() {
	unary("exp", func(x float64, _ params) float64 { return math.Exp(x) })
	unaryGrad("exp_grad", func(_, y float64, _ params) float64 { return y })
	unary("log", func(x float64, _ params) float64 { return math.Log(x) })
	unaryGrad("log_grad", func(x, _ float64, _ params) float64 { return 1 / x })
	unary("sqrt", func(x float64, _ params) float64 { return math.Sqrt(x) })
	unaryGrad("sqrt_grad", func(_, y float64, _ params) float64 { return 1 / (2 * y) })
	unary("tanh", func(x float64, _ params) float64 { return math.Tanh(x) })
	unaryGrad("tanh_grad", func(_, y float64, _ params) float64 { return 1 - y*y })
	unary("sigmoid", func(x float64, _ params) float64 { return sigmoid(x) })
	unaryGrad("sigmoid_grad", func(_, y float64, _ params) float64 { return y * (1 - y) })
	unary("relu", func(x float64, _ params) float64 { return math.Max(x, 0) })
	unaryGrad("relu_grad", func(x, _ float64, _ params) float64 {
		if x > 0 {
			return 1
		}
		return 0
	})
	unary("silu", func(x float64, _ params) float64 { return x * sigmoid(x) })
	unaryGrad("silu_grad", func(x, _ float64, _ params) float64 { return siluSlope(x) })
	unary("softplus", func(x float64, _ params) float64 {
		return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	})
	unaryGrad("softplus_grad", func(x, _ float64, _ params) float64 { return sigmoid(x) })
	unary("gelu", func(x float64, _ params) float64 { return x * phi(x) })
	unaryGrad("gelu_grad", func(x, _ float64, _ params) float64 { return phi(x) + x*density(x) })
	unary("gelu_tanh", func(x float64, _ params) float64 {
		return 0.5 * x * (1 + math.Tanh(geluA*(x+geluB*x*x*x)))
	})
	unaryGrad("gelu_tanh_grad", func(x, _ float64, _ params) float64 {
		t := math.Tanh(geluA * (x + geluB*x*x*x))
		return 0.5*(1+t) + 0.5*x*(1-t*t)*geluA*(1+3*geluB*x*x)
	})
	unary("clamp", func(x float64, p params) float64 { return math.Min(math.Max(x, p[0]), p[1]) })
	unaryGrad("clamp_grad", func(x, _ float64, p params) float64 {
		if x >= p[0] && x <= p[1] {
			return 1
		}
		return 0
	})
	unary("scale", func(x float64, p params) float64 { return p[0]*x + p[1] })

	binary("add", func(a, b float64) float64 { return a + b })
	binary("sub", func(a, b float64) float64 { return a - b })
	binary("mul", func(a, b float64) float64 { return a * b })
	binary("div", func(a, b float64) float64 { return a / b })
	binary("min", math.Min)
	binary("max", math.Max)
	binaryGrad("mul_grad", func(a, b float64) (float64, float64) { return b, a })
	binaryGrad("div_grad", func(a, b float64) (float64, float64) { return 1 / b, -a / (b * b) })
	binaryGrad("min_grad", func(a, b float64) (float64, float64) { return share(b, a), share(a, b) })
	binaryGrad("max_grad", func(a, b float64) (float64, float64) { return share(a, b), share(b, a) })
	binary("silu_mul", func(g, u float64) float64 { return g * sigmoid(g) * u })
	binaryGrad("silu_mul_grad", func(g, u float64) (float64, float64) { return u * siluSlope(g), g * sigmoid(g) })

	Register("fill", func(a *compute.Args) {
		y := f(a, 0)
		for k := range y {
			y[k] = a.Float[0]
		}
	})
	Register("axpy", func(a *compute.Args) {
		x, y := f(a, 0), f(a, 1)
		for k := range y {
			y[k] += a.Float[0] * x[k]
		}
	})
	Register("copy", func(a *compute.Args) {
		n, xo, yo := a.Int[0], a.Int[1], a.Int[2]
		put(f(a, 1)[yo:yo+n], f(a, 0)[xo:xo+n], a.Int[3])
	})
	Register("dropout", func(a *compute.Args) {
		x, y, p := f(a, 0), f(a, 1), a.Float[0]
		key := uint64(uint32(a.Int[1])) | uint64(uint32(a.Int[2]))<<32
		limit := uint32(p * (1 << 32))
		out := make([]float64, len(x))
		for k := range x {
			if compute.MaskBits(key, uint32(k)) >= limit {
				out[k] = x[k] / (1 - p)
			}
		}
		put(y, out, a.Int[3])
	})
}

func siluSlope(x float64) float64 {
	s := sigmoid(x)
	return s * (1 + x*(1-s))
}

// share is the part of max(a, b)'s gradient that goes to a.
func share(a, b float64) float64 {
	switch {
	case a > b:
		return 1
	case a < b:
		return 0
	}
	return 0.5
}

// put assigns or adds.
func put(y, x []float64, acc int64) {
	for k := range y {
		if acc != 0 {
			y[k] += x[k]
		} else {
			y[k] = x[k]
		}
	}
}
