package model

import (
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

func (m *Model) mlp(t *autograd.Tape, b *block, x *autograd.Var) *autograd.Var {
	kind := m.cfg.ActivationKind()
	if b.gate == nil {
		return b.down.Forward(t, Activate(t, b.up.Forward(t, x), kind))
	}
	gate, up := b.gate.Forward(t, x), b.up.Forward(t, x)
	if kind == checkpoint.SiLU {
		return b.down.Forward(t, t.SiLUMul(gate, up))
	}
	return b.down.Forward(t, t.Mul(Activate(t, gate, kind), up))
}

// Activate applies an activation of one of checkpoint's kinds.
func Activate(t *autograd.Tape, x *autograd.Var, kind string) *autograd.Var {
	switch kind {
	case checkpoint.SiLU:
		return t.SiLU(x)
	case checkpoint.ReLU:
		return t.ReLU(x)
	}
	return t.GELU(x, kind == checkpoint.GELUTanh)
}
