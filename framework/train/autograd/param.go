package autograd

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
)

// Param is a named tensor that outlives tapes: a weight.
type Param struct {
	Name      string
	T         *compute.Tensor
	Grad      *compute.Tensor // nil until the first backward pass; accumulates +=
	Trainable bool            // false: no gradient is computed

	engine compute.Engine
}

// NewParam uploads data as a trainable parameter; nil data means zeros. It
// panics with a *ShapeError when len(data) is not the product of shape.
func NewParam(e compute.Engine, name string, shape []int, data []float32) *Param {
	p := &Param{Name: name, Trainable: true, engine: e, T: compute.NewTensor(e, compute.F32, shape...)}
	if data != nil {
		p.Set(data)
	}
	return p
}

// NewLazyParam is NewParam with values that fill writes: when they are first
// needed, on an engine that can wait (compute.LazyEngine), else now. What fill
// reads must stay as it is until then. Where fill fails, the use panics with a
// *compute.FillError.
func NewLazyParam(e compute.Engine, name string, shape []int, fill func(dst []float32) error) *Param {
	return &Param{Name: name, Trainable: true, engine: e, T: lazyTensor(e, compute.F32, shape, fill)}
}

// lazyTensor has the values that fill writes, when they are first needed if the
// engine can wait.
func lazyTensor[T float32 | uint8](e compute.Engine, dt compute.DType, shape []int, fill func(dst []T) error) *compute.Tensor {
	n := compute.NumElements(shape)
	if l, ok := e.(compute.LazyEngine); ok {
		return &compute.Tensor{Shape: append([]int(nil), shape...), Buf: l.AllocLazy(dt, n, func(dst any) error { return fill(dst.([]T)) })}
	}
	data := make([]T, n)
	if err := fill(data); err != nil {
		panic(&compute.FillError{Err: err})
	}
	t := compute.NewTensor(e, dt, shape...)
	e.Upload(t.Buf, data)
	return t
}

// Engine is where the parameter lives.
func (p *Param) Engine() compute.Engine { return p.engine }

// Shape returns a copy of the shape.
func (p *Param) Shape() []int { return append([]int(nil), p.T.Shape...) }

// Len is the number of elements.
func (p *Param) Len() int { return p.T.Len() }

// Data downloads a copy of the values, row-major.
func (p *Param) Data() []float32 { return p.T.Floats(p.engine) }

// Set uploads new values; it panics with a *ShapeError on a wrong length.
func (p *Param) Set(data []float32) {
	if len(data) != p.T.Len() {
		panic(&ShapeError{Op: "Param.Set", Shapes: [][]int{p.T.Shape},
			Reason: fmt.Sprintf("parameter %q has %d elements, got %d", p.Name, p.T.Len(), len(data))})
	}
	p.engine.Upload(p.T.Buf, data)
}

// GradData downloads a copy of the gradient, nil if there is none yet.
func (p *Param) GradData() []float32 {
	if p.Grad == nil {
		return nil
	}
	return p.Grad.Floats(p.engine)
}

// ZeroGrad frees the gradient; the next backward pass starts from zero.
func (p *Param) ZeroGrad() {
	if p.Grad != nil {
		p.engine.Free(p.Grad.Buf)
		p.Grad = nil
	}
}

// Free gives the parameter's memory back to the engine. It must not be used afterwards.
func (p *Param) Free() {
	p.ZeroGrad()
	if p.T != nil {
		p.engine.Free(p.T.Buf)
		p.T = nil
	}
}
