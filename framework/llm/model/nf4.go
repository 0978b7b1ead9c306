package model

import (
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// source4 gives a weight [out,in] that is stored in NF4, nil where it is not.
type source4 func(name string, out, in int) (*autograd.NF4, error)

// frozen is the weight in NF4, nil: the layer has it in floats.
func (b *builder) frozen(name string, out, in int) *autograd.NF4 {
	if b.nf4 == nil || b.err != nil {
		return nil
	}
	w, err := b.nf4(name, out, in)
	if err != nil {
		b.err = err
	}
	if w != nil {
		b.made4 = append(b.made4, w)
	}
	return w
}

// readNF4 reads what bitsandbytes stored: always [out,in], also where the
// family's float weights are [in,out]. The result is computed with in float32
// whatever the weight was before; nested scales are restored here.
func (f *folder) readNF4(e compute.Engine) source4 {
	return func(name string, out, in int) (*autograd.NF4, error) {
		name = f.stored(name)
		parts := f.r.NF4Parts(name)
		if len(parts) == 0 {
			return nil, nil
		}
		w, err := f.r.NF4(name, out, in)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(w.Map, compute.NF4Table[:]) {
			return nil, fmt.Errorf("%s: tensor %q is not the code book of NF4", f.dir, name+".quant_map")
		}
		for _, part := range append(parts, name) {
			f.used[part] = true
		}
		scales := w.Scales()
		frozen := &autograd.NF4{Out: out, In: in, Codes: compute.NewTensor(e, compute.U8, len(w.Codes)), Absmax: compute.FromFloats(e, scales, len(scales))}
		e.Upload(frozen.Codes.Buf, w.Codes)
		return frozen, nil
	}
}

func freeNF4(e compute.Engine, list []*autograd.NF4) {
	for _, w := range list {
		e.Free(w.Codes.Buf)
		e.Free(w.Absmax.Buf)
	}
}
