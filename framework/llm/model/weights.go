package model

import (
	"fmt"
	"io"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Weights are the weights of a network, a decoder or an encoder, in the order in
// which its Builder made them.
type Weights struct {
	e     compute.Engine
	order []weight
	read4 []*autograd.NF4 // those that the folder held
	files io.Closer       // that weights are still read from; may be nil
}

// ReadFrom has Free close the files that weights are still read from.
func (w *Weights) ReadFrom(files io.Closer) { w.files = files }

// weight is a parameter, or those of a linear layer as they are at the time.
type weight struct {
	p *autograd.Param
	l *Linear
}

// Engine is where the weights live.
func (w *Weights) Engine() compute.Engine { return w.e }

// Params are the weights in a fixed order, by their Hugging Face names. A tied
// output layer does not appear again; weights replaced by NF4 do not appear.
func (w *Weights) Params() []*autograd.Param {
	var out []*autograd.Param
	for _, x := range w.order {
		switch l := x.l; {
		case l == nil:
			out = append(out, x.p)
		default:
			if l.W != nil && !(l.Head && slices.Contains(out, l.W)) {
				out = append(out, l.W)
			}
			if l.B != nil {
				out = append(out, l.B)
			}
		}
	}
	return out
}

// Linears are the linear layers in the network's order, without the output
// layer: what "all-linear" means in PEFT and Dettmers et al. 2023 (section 4).
func (w *Weights) Linears() []*Linear {
	var out []*Linear
	for _, x := range w.order {
		if x.l != nil && !x.l.Head {
			out = append(out, x.l)
		}
	}
	return out
}

// ParamCount is the number of weights; those in NF4 count as well, tied ones
// once, adapters not.
func (w *Weights) ParamCount() int64 {
	n := int64(0)
	for _, p := range w.Params() {
		n += int64(p.Len())
	}
	for _, l := range w.Linears() {
		if l.Frozen != nil {
			n += int64(l.Out) * int64(l.In)
		}
	}
	return n
}

// Freeze makes every weight untrainable; an adapter's own parameters are not
// among them.
func (w *Weights) Freeze() {
	for _, p := range w.Params() {
		p.Trainable = false
	}
}

// Free gives the weights' memory back to the engine; the network must not be
// used afterwards. Adapters, and NF4 weights that the folder did not hold, belong
// to whoever set them.
func (w *Weights) Free() {
	for _, p := range w.Params() {
		p.Free()
	}
	for _, x := range w.read4 {
		w.e.Free(x.Codes.Buf)
		w.e.Free(x.Absmax.Buf)
	}
	if w.files != nil {
		w.files.Close() // of files that were only read, nothing is lost
	}
}

// Plain says why the weights cannot be saved as they are: a layer in NF4 or with
// an adapter, the output layer counted. nil: they can.
func (w *Weights) Plain() error {
	for _, x := range w.order {
		switch l := x.l; {
		case l == nil:
		case l.Frozen != nil:
			return fmt.Errorf("module %s is quantised to NF4; dequantise it first, or save the adapter alone", l.Name)
		case l.Adapt != nil:
			return fmt.Errorf("module %s carries an adapter; merge it first, or save the adapter alone", l.Name)
		}
	}
	return nil
}
