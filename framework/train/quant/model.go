package quant

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Report says what quantising a model did.
type Report struct {
	Params int64 // weights now in NF4
	Stored int64 // bytes of their codes and scales, nested, as bitsandbytes stores them
	InUse  int64 // bytes of them in this process, where each scale is a float32
}

// BitsPerParam is 8 Stored/Params: 4.127 for large layers (Dettmers et al.
// 2023, section 3).
func (r Report) BitsPerParam() float64 { return 8 * float64(r.Stored) / float64(r.Params) }

// Base is a model whose linear layers can be stored in NF4: a *model.Model or an
// *encoder.Encoder, whose methods these are.
type Base interface {
	Engine() compute.Engine
	Linears() []*model.Linear
	Freeze()
}

// Freeze stores every linear layer of the model's blocks, and an encoder's
// pooler, in NF4 with double quantisation and lets go of its float weight;
// embeddings, norms, biases and the output layer stay as they are, as in
// transformers' BitsAndBytesConfig. Nothing of the model is trainable
// afterwards. Equal weights give equal codes. Layers that are in NF4 already, as
// a folder may hold them, stay as they are.
func Freeze(m Base) (Report, error) {
	var r Report
	for _, l := range m.Linears() {
		if l.Adapt != nil {
			return r, fmt.Errorf("quantise: module %s carries an adapter; quantise a fresh model", l.Name)
		}
	}
	for _, l := range m.Linears() {
		if l.Frozen == nil {
			if err := compute.Recover(func() error { freeze(m.Engine(), l); return nil }); err != nil {
				return r, fmt.Errorf("quantise module %s: %w", l.Name, err)
			}
		}
		codes, scales := int64(l.Frozen.Codes.Len()), int64(l.Frozen.Absmax.Len())
		r.Params += int64(l.Out) * int64(l.In)
		r.Stored += codes + scales + 4*((scales+NestedBlock-1)/NestedBlock) + 4
		r.InUse += codes + 4*scales
	}
	m.Freeze()
	return r, nil
}

// freeze replaces a layer's W by Frozen.
func freeze(e compute.Engine, l *model.Linear) {
	w := Quantise(l.W.Data())
	w.Nest()
	scales := w.Scales()
	l.Frozen = &autograd.NF4{Out: l.Out, In: l.In,
		Codes: compute.NewTensor(e, compute.U8, len(w.Codes)), Absmax: compute.FromFloats(e, scales, len(scales))}
	e.Upload(l.Frozen.Codes.Buf, w.Codes)
	l.W.Free()
	l.W = nil
}
