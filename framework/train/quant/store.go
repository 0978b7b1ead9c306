package quant

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Stored is the weight, [out,in], in the form that bitsandbytes writes to files.
func (w *NF4) Stored(out, in int) *checkpoint.NF4 {
	s := &checkpoint.NF4{Out: out, In: in, Codes: w.Codes, Map: compute.NF4Table[:], Absmax: w.Absmax}
	if n := w.Nested; n != nil {
		s.Nested = &checkpoint.NestedNF4{Codes: n.Codes, Absmax: n.Absmax, Map: Map, Offset: n.Offset}
	}
	return s
}

// Save writes a model of float weights to the folder dir with the linear layers
// of its blocks in NF4 with double quantisation, as transformers saves a model
// that was loaded with BitsAndBytesConfig(load_in_4bit=True,
// bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True) and loads it again;
// model.Load gives what Freeze would have made of m, which is left as it was.
// The tokenizer's files are the caller's to copy.
func Save(m *model.Model, dir string) error {
	return m.SaveNF4(dir, func(l *model.Linear) *checkpoint.NF4 {
		w := Quantise(l.W.Data())
		w.Nest()
		return w.Stored(l.Out, l.In)
	})
}

// Thaw puts the values that its codes stand for in place of every weight in NF4,
// so that the model can be saved in floats; Freeze on the result gives the same
// codes only where no layer was changed in between. Layers that carry an adapter
// are an error: merge it first.
func Thaw(m Base) error {
	for _, l := range m.Linears() {
		if l.Frozen != nil && l.Adapt != nil {
			return fmt.Errorf("dequantise: module %s carries an adapter; merge it first", l.Name)
		}
	}
	for _, l := range m.Linears() {
		if l.Frozen == nil {
			continue
		}
		err := autograd.Catch(func() {
			t := autograd.NewTape(m.Engine(), false)
			defer t.Release()
			l.W = autograd.NewParam(m.Engine(), l.Name+".weight", []int{l.Out, l.In}, t.DequantNF4(l.Frozen).Value())
		})
		if err != nil {
			return fmt.Errorf("dequantise module %s: %w", l.Name, err)
		}
		l.W.Trainable, l.Frozen = false, nil
	}
	return nil
}
