package autograd

import "github.com/tunelab/tunelab/framework/compute"

// Checkpoint is f(x) without its intermediate values: the backward pass runs f
// again and goes back through it (Chen et al. 2016, arXiv:1604.06174, section 3).
// It costs a second forward pass, which FLOPs counts. The gradients are those of
// f on t itself, bit for bit, if f computes the same at both calls: dropout by
// keys of the step, nothing that a call leaves behind.
//
// f puts its ops on the tape that it is given. It may use parameters and Vars of
// t; all of them get their gradients. On a tape that does not train nothing but
// the result is kept.
func (t *Tape) Checkpoint(x *Var, f func(t *Tape, x *Var) *Var) *Var {
	x.live("Checkpoint")
	b := t.inner(true)
	v := f(b, x)
	y := t.adopt(b, v)
	t.flops += b.flops
	b.Release()
	needed := b.asked || v.needs
	t.asked = t.asked || needed
	if !needed || t.once {
		return y
	}
	y.needs = true
	t.nodes = append(t.nodes, node{outs: []*Var{y}, back: func() {
		b := t.inner(false)
		defer b.Release()
		b.accumulate(f(b, x), y.grad)
		if !y.keep {
			t.e.Free(y.grad)
			y.grad = nil
		}
		b.backward()
		t.flops += b.flops
	}})
	return y
}

// inner is a tape of t's kind whose gradients go where t's go.
func (t *Tape) inner(once bool) *Tape {
	b := NewTape(t.e, t.training)
	b.once, b.waiting = once, t.waiting
	return b
}

// adopt makes v, a value on b, one of t's that outlives b.
func (t *Tape) adopt(b *Tape, v *Var) *Var {
	y := &Var{tape: t, shape: v.shape, buf: v.buf}
	for _, owner := range b.vars { // v itself, or what v is another shape of
		if owner.buf == v.buf {
			owner.buf = nil
			t.vars = append(t.vars, y)
			return y
		}
	}
	y = t.alloc(v.shape) // something that f did not make
	t.run(compute.Copy, bufs{v.buf, y.buf}, []int64{int64(v.Len()), 0, 0, 0}, nil)
	return y
}
