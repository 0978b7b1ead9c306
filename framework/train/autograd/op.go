package autograd

import (
	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/ref"
)

// Op runs an op that another package registered (compute.RegisterOp), on values
// in, with its integer and float arguments; the result has the given shape. The
// buffers of fwd are the inputs, then the output. Those of grad are the inputs,
// the output, the output's gradient and the gradient of each input, to which it
// adds; it gets the same integers and floats. A nil grad makes the result a
// constant. All buffers are F32. An engine without a kernel of the op runs the
// reference kernel on copies: right, but slow.
func (t *Tape) Op(fwd, grad *compute.Op, shape []int, ints []int64, floats []float64, in ...*Var) *Var {
	var args bufs
	for _, x := range in {
		x.live(fwd.Name)
		args = append(args, x.buf)
	}
	y := t.out(append([]int(nil), shape...)...)
	args = append(args, y.buf)
	t.runAnywhere(fwd, args, ints, floats)
	if grad == nil {
		return y
	}
	return t.node(y, func() {
		args := append(args[:len(args):len(args)], y.grad)
		for _, x := range in {
			args = append(args, t.dstOrTemp(x))
		}
		t.runAnywhere(grad, args, ints, floats)
	}, in...)
}

func (t *Tape) runAnywhere(op *compute.Op, args bufs, ints []int64, floats []float64) {
	if _, ok := t.e.Kernel(op.Name); ok {
		t.run(op, args, ints, floats)
		return
	}
	r := NewTape(ref.New(), false)
	copies := make(bufs, len(args))
	for k, b := range args {
		host := make([]float32, b.Len())
		t.e.Download(host, b)
		copies[k] = r.e.Alloc(compute.F32, b.Len())
		r.e.Upload(copies[k], host)
	}
	r.run(op, copies, ints, floats)
	for k, spec := range op.Bufs {
		if spec.Dir&compute.Out != 0 {
			host := make([]float32, args[k].Len())
			r.e.Download(host, copies[k])
			t.e.Upload(args[k], host)
		}
	}
	t.flops += r.flops
}
