package model

import "github.com/tunelab/tunelab/framework/train/autograd"

// Linear is one linear layer, y = x W^T + B: x [N,In], W [Out,In], B [Out],
// y [N,Out].
type Linear struct {
	Name    string // Hugging Face module path, "model.layers.0.self_attn.q_proj"
	In, Out int
	W       *autograd.Param // nil once Frozen replaces it
	B       *autograd.Param // nil: no bias
	Frozen  *autograd.NF4   // in place of W: a frozen weight in 4 bits
	Adapt   Adapter         // nil: none
	Head    bool            // the output layer; not one of Linears
}

// Adapter changes what a linear layer computes, as LoRA does. It is called
// after the layer with its input x [N,In] and output y [N,Out], bias included,
// and returns the output to use in y's place.
type Adapter interface {
	Apply(t *autograd.Tape, x, y *autograd.Var, lin *Linear) *autograd.Var
}

// InputAdapter is an Adapter that also changes what the layer sees, as (IA)^3
// does: Input is called before the layer, and its result [N,In] takes the place
// of x in the layer and in Apply.
type InputAdapter interface {
	Adapter
	Input(t *autograd.Tape, x *autograd.Var, lin *Linear) *autograd.Var
}

// Forward is the layer with its adapter: x [N,In] gives [N,Out].
func (l *Linear) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	if a, ok := l.Adapt.(InputAdapter); ok {
		x = a.Input(t, x, l)
	}
	y := l.Base(t, x)
	if l.Adapt != nil {
		y = l.Adapt.Apply(t, x, y, l)
	}
	return y
}

// Base is the layer without its adapter.
func (l *Linear) Base(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	var b *autograd.Var
	if l.B != nil {
		b = t.Param(l.B)
	}
	if l.Frozen == nil {
		return t.Linear(x, t.Param(l.W), b)
	}
	y := t.LinearNF4(x, l.Frozen)
	if b != nil {
		y = t.AddRow(y, b)
	}
	return y
}
