package peft

import "github.com/tunelab/tunelab/framework/train/autograd"

// weight is the layer's own W on a tape, [out,in].
func (layer *Layer) weight(t *autograd.Tape) *autograd.Var {
	if lin := layer.Linear; lin.Frozen != nil {
		return t.DequantNF4(lin.Frozen)
	}
	return t.Param(layer.Linear.W)
}

// updated is W + Scale B A, [out,in], as a constant.
func (layer *Layer) updated(t *autograd.Tape) *autograd.Var {
	delta := t.MatMul(t.Detach(t.Param(layer.B)), t.Detach(t.Param(layer.A)))
	return t.Add(t.Detach(layer.weight(t)), t.Scale(delta, layer.Scale))
}

// rowNorm is the length of each row of w, [out].
func rowNorm(t *autograd.Tape, w *autograd.Var) *autograd.Var { return t.Sqrt(t.RowSum(t.Mul(w, w))) }

// turn is DoRA's way from y, what the layer gave for x, to what it gives with
// the adapter, whose update is up, all [N,out]: with f = m / ||W + s B A||,
//
//	y + (f-1) W x + f up
//
// No gradient goes through the norm (Liu et al. 2024, section 4.3). x is what
// dropout left of the layer's input, and the bias is no part of W. The order of
// the terms is that of PEFT (tuners/lora/dora.py), in which f = 1 changes
// nothing.
func (layer *Layer) turn(t *autograd.Tape, x, y, up *autograd.Var, dropped bool) *autograd.Var {
	f := t.Div(t.Param(layer.Magnitude), rowNorm(t, layer.updated(t)))
	lin, plain := layer.Linear, y
	switch {
	case dropped && lin.Frozen != nil:
		plain = t.LinearNF4(x, lin.Frozen)
	case dropped:
		plain = t.Linear(x, t.Param(lin.W), nil)
	case lin.B != nil:
		plain = t.AddRow(y, t.Neg(t.Param(lin.B)))
	}
	return t.Add(y, t.Add(t.MulRow(plain, t.AddScalar(f, -1)), t.MulRow(up, f)))
}

// setMagnitude makes Magnitude the length of the rows as they are, so that the
// adapter changes nothing.
func (layer *Layer) setMagnitude() error {
	return autograd.Catch(func() {
		t := autograd.NewTape(layer.A.Engine(), false)
		defer t.Release()
		layer.Magnitude.Set(rowNorm(t, layer.updated(t)).Value())
	})
}
