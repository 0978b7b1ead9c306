package autograd

import "github.com/tunelab/tunelab/framework/compute"

// SumBlocks is the sum of a scalar over blocks of rows of x [N,C], a scalar: f
// computes it for the rows lo to hi on a tape of its own, whose memory goes back
// after each block. It keeps the largest values of a model from existing whole,
// its logits foremost.
//
// On a training tape a block's gradients are computed at once, by which its
// forward pass need not be repeated, and wait for the backward pass: those of x
// and of the parameters that f uses. f must use no other Var of t.
func (t *Tape) SumBlocks(x *Var, rows int, f func(t *Tape, x *Var, lo, hi int) *Var) *Var {
	x.live("SumBlocks")
	t.must(rows > 0, "SumBlocks", "needs blocks of one row at least", x)
	n, c := x.rows(), x.cols()
	y := t.out()
	t.run(compute.Fill, bufs{y.buf}, []int64{1}, []float64{0})
	if n == 0 {
		return y
	}
	w := &waiting{tape: t, vars: map[*Param]*Var{}}
	t.waits = append(t.waits, w)
	if t.training && x.needs {
		w.dx = t.e.AllocRaw(compute.F32, x.Len())
	}
	for lo := 0; lo < n; lo += rows {
		hi := min(lo+rows, n)
		at, l := int64(lo*c), int64((hi-lo)*c)
		b := NewTape(t.e, t.training)
		b.waiting = w
		in := b.out(hi-lo, c)
		in.needs, in.keep = w.dx != nil, true
		b.run(compute.Copy, bufs{x.buf, in.buf}, []int64{l, at, 0, 0}, nil)
		v := f(b, in, lo, hi)
		t.must(v.Len() == 1, "SumBlocks", "the function must return a scalar", v)
		b.run(compute.Axpy, bufs{v.buf, y.buf}, []int64{1}, []float64{1})
		if v.needs {
			b.Backward(v)
		}
		if d := in.dst(); d != nil {
			b.run(compute.Copy, bufs{d, w.dx}, []int64{l, 0, at, 0}, nil)
		}
		t.flops += b.flops
		b.Release()
	}
	return t.node(y, func() { w.deliver(x, y.Grad()[0]) }, append(w.list(), x)...)
}

// waiting are gradients of SumBlocks that have not reached x and the parameters.
type waiting struct {
	tape   *Tape
	dx     compute.Buffer // nil: x needs none
	params []*Param
	vars   map[*Param]*Var // stand for the parameters on the blocks' tapes
}

func (w *waiting) param(p *Param) *Var {
	v, ok := w.vars[p]
	if !ok {
		v = &Var{tape: w.tape, shape: p.T.Shape, buf: p.T.Buf, needs: w.tape.training && p.Trainable, keep: true}
		w.vars[p] = v
		w.params = append(w.params, p)
	}
	return v
}

func (w *waiting) list() (out []*Var) {
	for _, p := range w.params {
		out = append(out, w.vars[p])
	}
	return out
}

// deliver adds s times the gradients to where they belong.
func (w *waiting) deliver(x *Var, s float32) {
	t := w.tape
	if w.dx != nil {
		t.addScaled(x, w.dx, s)
	}
	for _, p := range w.params {
		v, to := w.vars[p], t.Param(p)
		switch {
		case v.grad == nil:
		case s == 1 && to.param != nil && p.Grad == nil: // the memory itself, a large output layer's mostly
			p.Grad = &compute.Tensor{Shape: p.Shape(), Buf: v.grad}
			v.grad = nil
		default:
			t.addScaled(to, v.grad, s)
		}
	}
	w.release()
}

func (w *waiting) release() {
	for _, v := range w.list() {
		if v.grad != nil {
			w.tape.e.Free(v.grad)
			v.grad = nil
		}
	}
	if w.dx != nil {
		w.tape.e.Free(w.dx)
		w.dx = nil
	}
}

// addScaled adds s g to v's gradient.
func (t *Tape) addScaled(v *Var, g compute.Buffer, s float32) {
	d, acc := v.dstAcc()
	op, floats := compute.Axpy, []float64{float64(s)}
	if acc == 0 {
		op, floats = compute.Scale, []float64{float64(s), 0}
	}
	t.run(op, bufs{g, d}, []int64{int64(v.Len())}, floats)
}
