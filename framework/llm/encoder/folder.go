package encoder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// folder reads weights by the names that a task class gives them.
type folder struct {
	dir    string
	r      *checkpoint.Reader
	cfg    Config
	family family
	bare   bool              // the encoder's tensors are stored without the prefix
	stored map[string]string // names in the file
	used   map[string]bool
}

func open(dir string, r *checkpoint.Reader, cfg Config) (*folder, error) {
	f := &folder{dir: dir, r: r, cfg: cfg, family: families[cfg.Family], stored: map[string]string{}, used: map[string]bool{}}
	names := r.Names()
	f.bare = !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, f.family.prefix) })
	for _, stored := range names {
		name := f.name(stored)
		if other, ok := f.stored[name]; ok {
			return nil, fmt.Errorf("%s: tensors %q and %q are the same weight", dir, other, stored)
		}
		f.stored[name] = stored
	}
	return f, nil
}

// name is what a task class calls a stored tensor. Old checkpoints call the two
// weights of a norm gamma and beta, as TensorFlow does, which transformers still
// reads.
func (f *folder) name(stored string) string {
	name := stored
	if cut, ok := strings.CutSuffix(name, "LayerNorm.gamma"); ok {
		name = cut + "LayerNorm.weight"
	} else if cut, ok := strings.CutSuffix(name, "LayerNorm.beta"); ok {
		name = cut + "LayerNorm.bias"
	}
	if f.bare && !f.ofMLM(name) && !f.ofTask(name) {
		name = f.family.prefix + name
	}
	return name
}

func (f *folder) ofMLM(name string) bool {
	if weight, _, ok := strings.Cut(name, ".weight."); ok { // a part of one in NF4
		name = weight + ".weight"
	}
	return slices.Contains(f.family.mlm.tensors(), name)
}

func (f *folder) ofPooler(name string) bool {
	p := f.family.names.pooler
	return p != "" && strings.HasPrefix(name, f.family.prefix+p+".")
}

func (f *folder) ofTask(name string) bool {
	return slices.ContainsFunc(f.family.heads, func(h string) bool { return strings.HasPrefix(name, h) })
}

func (f *folder) has(name string) bool {
	_, ok := f.stored[name]
	return ok
}

func (f *folder) hasPooler() bool {
	p := f.family.names.pooler
	return p != "" && (f.has(f.family.prefix+p+".weight") || f.has(f.family.prefix+p+".bias"))
}

// poolsLabels says whether the label head's dense layer is the pooler.
func (f *folder) poolsLabels() bool {
	p := f.family.names.pooler
	return p != "" && f.family.label.dense == f.family.prefix+p
}

// hasMLM says whether there is a masked-LM head. ModernBERT's classifier stands
// on a layer and a norm of the same names, which are no masked-LM head then.
func (f *folder) hasMLM() bool {
	return !f.has("classifier.weight") && slices.ContainsFunc(f.family.mlm.tensors(), f.has)
}

// filler writes a weight's values.
type filler = func(dst []float32) error

func (f *folder) read(name string, shape ...int) (filler, error) {
	return f.r.Filler(f.find(name), shape...)
}

// readNF4 is nil where the weight is not in NF4.
func (f *folder) readNF4(e compute.Engine, name string, out, in int) (*autograd.NF4, error) {
	w, parts, err := model.StoredNF4(e, f.r, f.find(name), out, in)
	for _, part := range parts {
		f.used[f.name(part)] = true
	}
	return w, err
}

// find is a weight's name in the file, which is used from now on.
func (f *folder) find(name string) string {
	if other := f.family.mlm.decoder + ".bias"; name == f.family.mlm.bias && f.has(other) && (!f.cfg.TieEmbeddings || !f.has(name)) {
		name = other // of two that are not tied, this is the one in use
	}
	f.used[name] = true
	stored, ok := f.stored[name]
	if !ok { // for the message
		if stored = name; f.bare {
			stored = strings.TrimPrefix(name, f.family.prefix)
		}
	}
	return stored
}
