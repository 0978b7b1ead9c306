package peft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// whole is a weight of the model that trains whole beside the adapter: part of a
// module of modules_to_save, or a bias. While the adapter speaks its own values
// stand in the model's Param; the base's are kept aside untouched.
type whole struct {
	p          *autograd.Param // the model's
	key        string          // in adapter_model.safetensors
	transposed bool            // the file has it [in,out] (transformers' Conv1D)
	base, own  *compute.Tensor
}

// tying is a model whose output layer can be parted from its embedding.
type tying interface {
	Untie()
	Tie()
}

// wholeWeights finds what trains whole; the output layer is untied first where
// it or the embedding is among it (modules of PEFT are copies, each its own).
func (l *LoRA) wholeWeights(modules []string) error {
	within := func(name string) bool {
		return slices.ContainsFunc(modules, func(module string) bool { return inside(name, module) })
	}
	bias, matrix := map[*autograd.Param]string{}, map[*autograd.Param]bool{}
	for _, lin := range candidates(l.m) {
		if within(lin.Name) && lin.W == nil {
			return fmt.Errorf("modules_to_save: module %s is quantised to NF4, which does not train", lin.Name)
		}
		matrix[lin.W] = !lin.Head && l.m.Family() == checkpoint.GPT2
	}
	for _, layer := range l.layers {
		bias[layer.Linear.B] = Prefix + layer.Linear.Name + ".base_layer.bias"
	}
	if h, e := l.m.Head(), l.m.Embedding(); h != nil && h.W == e && (within(h.Name+".weight") || within(e.Name)) {
		m, ok := l.m.(tying)
		if !ok {
			return fmt.Errorf("modules_to_save: the output layer of this %s model is its embedding (tie_word_embeddings), which cannot be parted; leave both out", l.m.Family())
		}
		m.Untie()
		l.untied = m
	}
	for _, p := range l.m.Params() {
		w := whole{p: p, key: Prefix + p.Name, transposed: matrix[p]}
		isBias, adapted := strings.HasSuffix(p.Name, ".bias"), bias[p] != ""
		if adapted {
			w.key = bias[p]
		}
		switch {
		case within(p.Name) && isBias && l.cfg.Bias == BiasAll:
			return fmt.Errorf("modules_to_save: %s is a bias, and bias: %q trains it already, which is not supported; use %q or %q", p.Name, BiasAll, BiasNone, BiasLoRA)
		case within(p.Name), isBias && l.cfg.Bias == BiasAll, adapted && l.cfg.Bias == BiasLoRA:
			l.whole = append(l.whole, &w)
		}
	}
	return nil
}

// copyBase gives each weight that trains whole values of its own, the base's.
func (l *LoRA) copyBase() {
	for _, w := range l.whole {
		w.base, w.own = w.p.T, compute.FromFloats(l.m.Engine(), w.p.Data(), w.p.T.Shape...)
	}
}

// place puts the values into the model that it is to compute with now.
func (l *LoRA) place() {
	for _, w := range l.whole {
		w.p.T = w.own
		if l.off && !l.merged {
			w.p.T = w.base
		}
	}
}

// dropWhole gives the model its own weights back.
func (l *LoRA) dropWhole() {
	for _, w := range l.whole {
		if w.own != nil {
			w.p.T = w.base
			l.m.Engine().Free(w.own.Buf)
		}
	}
	l.whole = nil
	if l.untied != nil {
		l.untied.Tie()
		l.untied = nil
	}
}

// slot is its place in the adapter's file.
func (w *whole) slot() slot {
	shape := w.p.Shape()
	s := slot{key: w.key, shape: shape, get: func() []float32 { return w.own.Floats(w.p.Engine()) },
		set: func(v []float32) { w.p.Engine().Upload(w.own.Buf, v) }}
	if !w.transposed {
		return s
	}
	get, set, out, in := s.get, s.set, shape[0], shape[1]
	s.shape = []int{in, out}
	s.get = func() []float32 { return transpose(get(), out, in) }
	s.set = func(v []float32) { set(transpose(v, in, out)) }
	return s
}

// transpose turns row-major [rows, cols] into [cols, rows].
func transpose(x []float32, rows, cols int) []float32 {
	out := make([]float32, len(x))
	for r := range rows {
		for c := range cols {
			out[c*rows+r] = x[r*cols+c]
		}
	}
	return out
}

// Own are modules of the caller's that the model does not hold, such as the label
// head "score" with its "score.weight". They train and are saved with the adapter
// as modules_to_save, and stay the caller's to use and to free.
type Own struct {
	Modules []string // as PEFT's modules_to_save would name them
	Params  []*autograd.Param
}

func join(own []Own) Own {
	var out Own
	for _, o := range own {
		out.Modules, out.Params = append(out.Modules, o.Modules...), append(out.Params, o.Params...)
	}
	return out
}

var _ tying = (*model.Model)(nil)
