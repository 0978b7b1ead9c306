package model

import (
	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Kind says what a weight is, for its storage and its initial values.
type Kind int

const (
	Matrix    Kind = iota // a linear layer's weight
	Residual              // likewise, of a layer that writes to the residual stream
	Table                 // an embedding
	Gain                  // a norm's factor
	GainOver1             // a norm's factor less 1
	Bias
)

// Source gives the initial values of weights by their Hugging Face names.
type Source struct {
	// Floats gives the values of a weight of that shape in memory; fill is called
	// when they are first needed.
	Floats func(name string, shape []int, k Kind) (fill func(dst []float32) error, err error)
	// NF4 gives a weight [out,in] that is stored in NF4, nil where it is not.
	// Without the function none is.
	NF4 func(name string, out, in int) (*autograd.NF4, error)
}

// Builder makes the weights of a network, asking its source for each in turn. The
// first error stops it: from then on it makes nothing, and gives nil.
type Builder struct {
	w   Weights
	src Source
	err error
}

// NewBuilder makes weights on an engine.
func NewBuilder(e compute.Engine, src Source) *Builder { return &Builder{w: Weights{e: e}, src: src} }

// Err is the first error so far.
func (b *Builder) Err() error { return b.err }

// Done gives the weights, or the first error, after which none is left.
func (b *Builder) Done() (Weights, error) {
	if b.err != nil {
		b.w.Free()
		return Weights{}, b.err
	}
	return b.w, nil
}

// Param makes one parameter.
func (b *Builder) Param(name string, k Kind, shape ...int) *autograd.Param {
	p := b.param(name, k, shape...)
	if p != nil {
		b.w.order = append(b.w.order, weight{p: p})
	}
	return p
}

// Linear makes a linear layer.
func (b *Builder) Linear(name string, k Kind, out, in int, bias bool) *Linear {
	l := &Linear{Name: name, In: in, Out: out}
	b.w.order = append(b.w.order, weight{l: l})
	if b.src.NF4 != nil && b.err == nil {
		l.Frozen, b.err = b.src.NF4(name+".weight", out, in)
		if l.Frozen != nil {
			b.w.read4 = append(b.w.read4, l.Frozen)
		}
	}
	if l.Frozen == nil {
		l.W = b.param(name+".weight", k, out, in)
	}
	if bias {
		l.B = b.param(name+".bias", Bias, out)
	}
	return l
}

// Head makes the output layer, which is not one of Linears. tied is the weight
// that it shares, nil: it has its own. bias is the name of its bias; "": none.
func (b *Builder) Head(name string, out, in int, tied *autograd.Param, bias string) *Linear {
	l := &Linear{Name: name, In: in, Out: out, W: tied, Head: true}
	b.w.order = append(b.w.order, weight{l: l})
	if tied == nil {
		l.W = b.param(name+".weight", Table, out, in)
	}
	if bias != "" {
		l.B = b.param(bias, Bias, out)
	}
	return l
}

func (b *Builder) param(name string, k Kind, shape ...int) *autograd.Param {
	if b.err != nil {
		return nil
	}
	fill, err := b.src.Floats(name, shape, k)
	if err != nil {
		b.err = err
		return nil
	}
	return autograd.NewLazyParam(b.w.e, name, shape, fill)
}
