package autograd

import "github.com/tunelab/tunelab/framework/compute"

// RMSNorm is x / sqrt(mean(x^2) + eps) g over the last dimension: x [N,C], g [C]
// (Zhang and Sennrich 2019, arXiv:1910.07467).
func (t *Tape) RMSNorm(x, g *Var, eps float32) *Var { return t.rmsNorm(x, g, eps, 0) }

// RMSNormPlusOne is RMSNorm with 1 + g in place of g, as Gemma stores it.
func (t *Tape) RMSNormPlusOne(x, g *Var, eps float32) *Var { return t.rmsNorm(x, g, eps, 1) }

func (t *Tape) rmsNorm(x, g *Var, eps float32, shift float64) *Var {
	x.live("RMSNorm")
	t.must(g.Len() == x.cols(), "RMSNorm", "needs x [N,C] and g [C]", x, g)
	y, rstd := t.alloc(x.shape), t.temp(compute.F32, x.rows())
	t.run(compute.RMSNorm, bufs{x.buf, g.buf, y.buf, rstd}, nc(x), []float64{float64(eps), shift})
	return t.node(y, func() {
		dx, dg := x.dst(), g.dst()
		t.run(compute.RMSNormGrad, bufs{x.buf, g.buf, rstd, y.grad, dx, dg}, nc(x), []float64{shift})
	}, x, g)
}

// LayerNorm is (x - mean) / sqrt(var + eps) g + b over the last dimension, with
// the biased variance: x [N,C], g [C], b [C] (Ba et al. 2016, arXiv:1607.06450).
func (t *Tape) LayerNorm(x, g, b *Var, eps float32) *Var {
	x.live("LayerNorm")
	t.must(g.Len() == x.cols() && b.Len() == x.cols(), "LayerNorm", "needs x [N,C], g [C] and b [C]", x, g, b)
	y, mean, rstd := t.alloc(x.shape), t.temp(compute.F32, x.rows()), t.temp(compute.F32, x.rows())
	t.run(compute.LayerNorm, bufs{x.buf, g.buf, b.buf, y.buf, mean, rstd}, nc(x), []float64{float64(eps)})
	return t.node(y, func() {
		dx, dg, db := x.dst(), g.dst(), b.dst()
		t.run(compute.LayerNormGrad, bufs{x.buf, g.buf, mean, rstd, y.grad, dx, dg, db}, nc(x), nil)
	}, x, g, b)
}

// Softmax is the softmax over the last dimension.
func (t *Tape) Softmax(x *Var) *Var {
	x.live("Softmax")
	y := t.alloc(x.shape)
	t.run(compute.Softmax, bufs{x.buf, y.buf}, nc(x), nil)
	return t.node(y, func() {
		t.run(compute.SoftmaxGrad, bufs{y.buf, y.grad, x.dst()}, nc(x), nil)
	}, x)
}
