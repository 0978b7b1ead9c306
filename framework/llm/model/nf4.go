package model

import (
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// StoredNF4 is the weight of a name that bitsandbytes stored in a file, read when
// it is first used, and the tensors that it consists of beside its codes; nil: it
// is not in NF4. Its shape is always [out,in], also where the family's float
// weights are [in,out]. It is computed with in float32 whatever the weight was
// before; nested scales are restored here.
func StoredNF4(e compute.Engine, r *checkpoint.Reader, name string, out, in int) (w *autograd.NF4, parts []string, err error) {
	parts = r.NF4Parts(name)
	if len(parts) == 0 {
		return nil, nil, nil
	}
	book, codes, scales, err := r.NF4Filler(name, out, in)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Equal(book, compute.NF4Table[:]) {
		return nil, nil, fmt.Errorf("%s: tensor %q is not the code book of NF4", r.Where(), name+".quant_map")
	}
	return autograd.NewLazyNF4(e, out, in, codes, scales), parts, nil
}

// CheckNF4 compares what config.json of a folder says with what was read.
func CheckNF4(dir string, said bool, w *Weights) error {
	if said && !slices.ContainsFunc(w.Linears(), func(l *Linear) bool { return l.Frozen != nil }) {
		return fmt.Errorf("%s: config.json says quantization_config, but no linear layer is stored in NF4: save the folder again, or remove that field", dir)
	}
	return nil
}
