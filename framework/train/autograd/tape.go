package autograd

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
)

// Var is a value on a tape.
type Var struct {
	tape  *Tape
	shape []int
	buf   compute.Buffer
	grad  compute.Buffer
	param *Param // the gradient goes to the parameter
	needs bool   // somebody wants the gradient
	keep  bool   // the gradient survives the backward pass
	spare bool   // no backward pass reads the value, unless that of an op that used it
}

// Shape returns a copy of the shape; a scalar's is empty.
func (v *Var) Shape() []int { return append([]int(nil), v.shape...) }

// Len is the number of elements.
func (v *Var) Len() int { return compute.NumElements(v.shape) }

// NeedsGrad says whether the backward pass reaches this value.
func (v *Var) NeedsGrad() bool { return v.needs }

// Buffer is the value's memory on the engine, for kernels called directly.
func (v *Var) Buffer() compute.Buffer { return v.buf }

// Value downloads a copy of the value, row-major.
func (v *Var) Value() []float32 {
	v.live("Value")
	out := make([]float32, v.Len())
	v.tape.e.Download(out, v.buf)
	return out
}

// Scalar is the value of a one-element Var.
func (v *Var) Scalar() float32 {
	v.tape.must(v.Len() == 1, "Scalar", "needs one element", v)
	return v.Value()[0]
}

// Grad downloads a copy of the gradient after a backward pass: of a leaf, a
// parameter or a Var with RetainGrad; nil where there is none.
func (v *Var) Grad() []float32 {
	if v.param != nil {
		return v.param.GradData()
	}
	if v.grad == nil {
		return nil
	}
	out := make([]float32, v.Len())
	v.tape.e.Download(out, v.grad)
	return out
}

// RetainGrad keeps the gradient of an intermediate value after the backward pass.
func (v *Var) RetainGrad() *Var {
	v.keep = true
	return v
}

func (v *Var) rows() int { return compute.Rows(v.shape) }
func (v *Var) cols() int { return compute.Cols(v.shape) }

func (v *Var) live(op string) {
	if v.buf == nil {
		panic(&ShapeError{Op: op, Shapes: [][]int{v.shape}, Reason: "the value was released with its tape; read it before Release"})
	}
}

// dst is the buffer that the gradient accumulates into, zeroed when new; nil
// when nobody needs it.
func (v *Var) dst() compute.Buffer {
	b, acc := v.dstAcc()
	if b != nil && acc == 0 {
		v.tape.run(compute.Fill, []compute.Buffer{b}, []int64{int64(v.Len())}, []float64{0})
	}
	return b
}

// dstAcc is dst for kernels that can assign: acc is 0 when the buffer is new
// (its contents are arbitrary) and 1 when it holds a gradient to add to.
func (v *Var) dstAcc() (b compute.Buffer, acc int64) {
	if v == nil || !v.needs {
		return nil, 0
	}
	if p := v.param; p != nil {
		if p.Grad != nil {
			return p.Grad.Buf, 1
		}
		p.Grad = &compute.Tensor{Shape: p.Shape(), Buf: p.engine.AllocRaw(compute.F32, p.Len())}
		return p.Grad.Buf, 0
	}
	if v.grad != nil {
		return v.grad, 1
	}
	v.grad = v.tape.e.AllocRaw(compute.F32, v.Len())
	return v.grad, 0
}

type node struct {
	outs []*Var
	back func()
}

// Tape records ops.
type Tape struct {
	e        compute.Engine
	training bool
	nodes    []node
	vars     []*Var           // values that own their buffer
	scratch  []compute.Buffer // other buffers that live as long as the tape
	params   map[*Param]*Var
	flops    int64
	args     compute.Args
	gemm     *compute.Op // of the engine's precision
	gemmNF4  *compute.Op
	waits    []*waiting // of SumBlocks on this tape
	waiting  *waiting   // of a block's tape: where its parameters' gradients go
}

// NewTape makes a tape on e. With training false no graph is kept: ops run, and
// Backward is an error.
func NewTape(e compute.Engine, training bool) *Tape {
	t := &Tape{e: e, training: training, params: map[*Param]*Var{}, gemm: compute.Gemm, gemmNF4: compute.GemmNF4}
	if compute.Precision(e) == compute.BF16Precision {
		t.gemm, t.gemmNF4 = compute.GemmBF16, compute.GemmNF4BF16
	}
	return t
}

// Engine is where the tape runs.
func (t *Tape) Engine() compute.Engine { return t.e }

// Training says whether the tape keeps a graph.
func (t *Tape) Training() bool { return t.training }

// FLOPs is the arithmetic run so far, forward and backward, by the ops' records.
func (t *Tape) FLOPs() int64 { return t.flops }

// Param puts a parameter on the tape. The same parameter gives the same Var.
func (t *Tape) Param(p *Param) *Var {
	if t.waiting != nil {
		return t.waiting.param(p)
	}
	if v, ok := t.params[p]; ok {
		return v
	}
	if p.engine != t.e {
		panic(&ShapeError{Op: "Param", Shapes: [][]int{p.T.Shape}, Reason: fmt.Sprintf("parameter %q lives on engine %q, the tape on another engine (%q)", p.Name, p.engine.Name(), t.e.Name())})
	}
	v := &Var{tape: t, shape: p.T.Shape, buf: p.T.Buf, param: p, needs: t.training && p.Trainable}
	t.params[p] = v
	return v
}

// Const puts host data on the tape; no gradient goes to it.
func (t *Tape) Const(shape []int, data []float32) *Var {
	v := t.alloc(append([]int(nil), shape...))
	t.must(len(data) == v.Len(), "Const", fmt.Sprintf("needs %d values, got %d", v.Len(), len(data)), v)
	t.e.Upload(v.buf, data)
	return v
}

// Leaf is Const with a gradient, which Grad returns after the backward pass.
func (t *Tape) Leaf(shape []int, data []float32) *Var {
	v := t.Const(shape, data)
	v.needs, v.keep = t.training, true
	return v
}

// Detach is x as a constant: the gradient stops here.
func (t *Tape) Detach(x *Var) *Var {
	x.live("Detach")
	return &Var{tape: t, shape: x.shape, buf: x.buf}
}

// Backward runs the gradients of a scalar.
func (t *Tape) Backward(loss *Var) {
	t.must(loss.Len() == 1, "Backward", "the loss must be a scalar; use BackwardWith for other outputs", loss)
	t.BackwardWith([]*Var{loss}, [][]float32{{1}})
}

// BackwardWith runs the gradients with those of the outputs given: grads[i] is
// the gradient of outs[i] and has its length. A tape goes backward once.
func (t *Tape) BackwardWith(outs []*Var, grads [][]float32) {
	if !t.training {
		panic(&ShapeError{Op: "Backward", Reason: "the tape was made with training = false and kept no graph"})
	}
	if len(outs) != len(grads) {
		panic(&ShapeError{Op: "Backward", Reason: fmt.Sprintf("%d outputs but %d gradients", len(outs), len(grads))})
	}
	for i, o := range outs {
		o.live("Backward")
		t.must(len(grads[i]) == o.Len(), "Backward", fmt.Sprintf("the gradient has %d elements", len(grads[i])), o)
		if !o.needs {
			continue
		}
		seed := t.e.AllocRaw(compute.F32, o.Len())
		t.e.Upload(seed, grads[i])
		t.accumulate(o, seed)
		t.e.Free(seed)
	}
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := t.nodes[i]
		reached := false
		for _, o := range n.outs {
			reached = reached || o.grad != nil
		}
		if reached {
			n.back()
			for _, o := range n.outs {
				if !o.keep && o.grad != nil {
					t.e.Free(o.grad)
					o.grad = nil
				}
			}
		}
	}
	t.nodes = nil
}

// accumulate adds g, of v's length, to v's gradient.
func (t *Tape) accumulate(v *Var, g compute.Buffer) {
	d, acc := v.dstAcc()
	if d != nil {
		t.run(compute.Copy, []compute.Buffer{g, d}, []int64{int64(v.Len()), 0, 0, acc}, nil)
	}
}

// Release gives every buffer of the tape back to the engine's pool. The tape's
// values must not be used afterwards; parameters and their gradients stay.
func (t *Tape) Release() {
	for _, v := range t.vars {
		if v.buf != nil {
			t.e.Free(v.buf)
			v.buf = nil
		}
		if v.grad != nil {
			t.e.Free(v.grad)
			v.grad = nil
		}
	}
	for _, b := range t.scratch {
		t.e.Free(b)
	}
	for _, w := range t.waits {
		w.release()
	}
	t.vars, t.scratch, t.nodes, t.waits = nil, nil, nil, nil
	t.params = map[*Param]*Var{}
}

// alloc makes a Var with arbitrary contents.
func (t *Tape) alloc(shape []int) *Var {
	v := &Var{tape: t, shape: shape, buf: t.e.AllocRaw(compute.F32, compute.NumElements(shape))}
	t.vars = append(t.vars, v)
	return v
}

// out is alloc with the shape as a list.
func (t *Tape) out(shape ...int) *Var { return t.alloc(shape) }

// temp is a buffer that lives as long as the tape.
func (t *Tape) temp(dt compute.DType, n int) compute.Buffer {
	b := t.e.AllocRaw(dt, n)
	t.scratch = append(t.scratch, b)
	return b
}

// ints uploads indices for the life of the tape.
func (t *Tape) ints(x []int32) compute.Buffer {
	b := t.temp(compute.I32, len(x))
	t.e.Upload(b, x)
	return b
}

// node records the backward of out if any input needs a gradient.
func (t *Tape) node(out *Var, back func(), inputs ...*Var) *Var {
	if t.record(inputs...) {
		out.needs = true
		t.nodes = append(t.nodes, node{outs: []*Var{out}, back: back})
	}
	return out
}

// record says whether any of the inputs needs a gradient.
func (t *Tape) record(inputs ...*Var) bool {
	if !t.training {
		return false
	}
	for _, v := range inputs {
		if v != nil && v.needs {
			return true
		}
	}
	return false
}

// run calls a kernel and counts its cost.
func (t *Tape) run(op *compute.Op, bufs []compute.Buffer, ints []int64, floats []float64) {
	t.args = compute.Args{}
	copy(t.args.Buf[:], bufs)
	copy(t.args.Int[:], ints)
	copy(t.args.Float[:], floats)
	if err := compute.Run(t.e, op, &t.args); err != nil {
		panic(err)
	}
	t.flops += op.FLOPs(&t.args.Int)
}
