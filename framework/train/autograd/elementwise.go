package autograd

import (
	"math"

	"github.com/tunelab/tunelab/framework/compute"
)

type bufs = []compute.Buffer

func (t *Tape) unary(x *Var, fwd, grad *compute.Op, floats ...float64) *Var {
	x.live(fwd.Name)
	n := int64(x.Len())
	y := t.alloc(x.shape)
	t.run(fwd, bufs{x.buf, y.buf}, []int64{n}, floats)
	return t.node(y, func() {
		t.run(grad, bufs{x.buf, y.buf, y.grad, x.dst()}, []int64{n}, floats)
	}, x)
}

// Exp is e^x.
func (t *Tape) Exp(x *Var) *Var { return t.unary(x, compute.Exp, compute.ExpGrad) }

// Log is the natural logarithm.
func (t *Tape) Log(x *Var) *Var { return t.unary(x, compute.Log, compute.LogGrad) }

// Sqrt is the square root.
func (t *Tape) Sqrt(x *Var) *Var { return t.unary(x, compute.Sqrt, compute.SqrtGrad) }

// Tanh is the hyperbolic tangent.
func (t *Tape) Tanh(x *Var) *Var { return t.unary(x, compute.Tanh, compute.TanhGrad) }

// Sigmoid is 1 / (1 + e^-x).
func (t *Tape) Sigmoid(x *Var) *Var { return t.unary(x, compute.Sigmoid, compute.SigmoidGrad) }

// ReLU is max(x, 0).
func (t *Tape) ReLU(x *Var) *Var { return t.unary(x, compute.ReLU, compute.ReLUGrad) }

// SiLU is x sigmoid(x).
func (t *Tape) SiLU(x *Var) *Var { return t.unary(x, compute.SiLU, compute.SiLUGrad) }

// Softplus is ln(1 + e^x).
func (t *Tape) Softplus(x *Var) *Var { return t.unary(x, compute.Softplus, compute.SoftplusGrad) }

// GELU is x Phi(x), by the error function, or by GPT-2's tanh formula.
func (t *Tape) GELU(x *Var, tanhApprox bool) *Var {
	if tanhApprox {
		return t.unary(x, compute.GELUTanh, compute.GELUTanhGrad)
	}
	return t.unary(x, compute.GELU, compute.GELUGrad)
}

// Clamp limits x to [lo, hi]; the gradient passes inside the limits, ends included.
func (t *Tape) Clamp(x *Var, lo, hi float32) *Var {
	return t.unary(x, compute.Clamp, compute.ClampGrad, float64(lo), float64(hi))
}

// Scale is s x.
func (t *Tape) Scale(x *Var, s float32) *Var { return t.affine(x, s, 0) }

// Neg is -x.
func (t *Tape) Neg(x *Var) *Var { return t.affine(x, -1, 0) }

// AddScalar is x + c.
func (t *Tape) AddScalar(x *Var, c float32) *Var { return t.affine(x, 1, c) }

func (t *Tape) affine(x *Var, s, c float32) *Var {
	x.live("Scale")
	n := int64(x.Len())
	y := t.alloc(x.shape)
	y.spare = true
	t.run(compute.Scale, bufs{x.buf, y.buf}, []int64{n}, []float64{float64(s), float64(c)})
	return t.node(y, func() {
		t.run(compute.Axpy, bufs{y.grad, x.dst()}, []int64{n}, []float64{float64(s)})
	}, x)
}

func (t *Tape) binary(op *compute.Op, a, b *Var) *Var {
	a.live(op.Name)
	b.live(op.Name)
	t.must(sameShape(a.shape, b.shape), op.Name, "needs two equal shapes", a, b)
	y := t.alloc(a.shape)
	t.run(op, bufs{a.buf, b.buf, y.buf}, []int64{int64(a.Len())}, nil)
	return y
}

func (t *Tape) binaryGrad(op *compute.Op, a, b, y *Var) *Var {
	return t.node(y, func() {
		da := a.dst()
		db := b.dst()
		t.run(op, bufs{a.buf, b.buf, y.grad, da, db}, []int64{int64(a.Len())}, nil)
	}, a, b)
}

func (t *Tape) linearGrad(a, b, y *Var, sb float64) *Var {
	return t.node(y, func() {
		n := []int64{int64(y.Len())}
		if d := a.dst(); d != nil {
			t.run(compute.Axpy, bufs{y.grad, d}, n, []float64{1})
		}
		if d := b.dst(); d != nil {
			t.run(compute.Axpy, bufs{y.grad, d}, n, []float64{sb})
		}
	}, a, b)
}

// Add is a + b of one shape.
func (t *Tape) Add(a, b *Var) *Var { return t.linearGrad(a, b, t.binary(compute.Add, a, b), 1) }

// Sub is a - b of one shape.
func (t *Tape) Sub(a, b *Var) *Var { return t.linearGrad(a, b, t.binary(compute.Sub, a, b), -1) }

// Mul is a b, element by element, of one shape.
func (t *Tape) Mul(a, b *Var) *Var {
	return t.binaryGrad(compute.MulGrad, a, b, t.binary(compute.Mul, a, b))
}

// Div is a / b, element by element, of one shape.
func (t *Tape) Div(a, b *Var) *Var {
	return t.binaryGrad(compute.DivGrad, a, b, t.binary(compute.Div, a, b))
}

// Min is the smaller, element by element; the gradient goes there, half each when equal.
func (t *Tape) Min(a, b *Var) *Var {
	return t.binaryGrad(compute.MinGrad, a, b, t.binary(compute.Min, a, b))
}

// Max is the larger, element by element; the gradient goes there, half each when equal.
func (t *Tape) Max(a, b *Var) *Var {
	return t.binaryGrad(compute.MaxGrad, a, b, t.binary(compute.Max, a, b))
}

// SiLUMul is silu(gate) up, the gate of SwiGLU, of one shape.
func (t *Tape) SiLUMul(gate, up *Var) *Var {
	return t.binaryGrad(compute.SiLUMulGrad, gate, up, t.binary(compute.SiLUMul, gate, up))
}

// Dropout zeroes each element with probability p and scales the rest by
// 1/(1-p). The mask is a hash of (key, index), compute.MaskBits: the same bits
// on any engine and number of threads; use another key for every call and step.
// p = 0, or a tape that does not train, gives x itself.
func (t *Tape) Dropout(x *Var, p float32, key uint64) *Var {
	x.live("Dropout")
	t.must(p >= 0 && p < 1 && !math.IsNaN(float64(p)), "Dropout", "the probability must be in [0, 1)", x)
	if p == 0 || !t.training {
		return x
	}
	n, lo, hi := int64(x.Len()), int64(uint32(key)), int64(uint32(key>>32))
	y := t.alloc(x.shape)
	t.run(compute.Dropout, bufs{x.buf, y.buf}, []int64{n, lo, hi, 0}, []float64{float64(p)})
	return t.node(y, func() {
		d, acc := x.dstAcc()
		t.run(compute.Dropout, bufs{y.grad, d}, []int64{n, lo, hi, acc}, []float64{float64(p)})
	}, x)
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
