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

// Options of Load. The zero value gives trainable weights and every head that
// the folder has.
type Options struct {
	Frozen   bool // no weight is trainable: no gradient is computed for any
	Headless bool // the masked-LM head is left out
	// Classify gives what NewClassifier builds on: the modules that transformers'
	// class for sequence classification has. That is no masked-LM head, and a
	// pooler in BERT alone.
	Classify bool
}

// Load reads a Hugging Face folder (config.json and safetensors) of an encoder
// onto an engine, mapped as model.Load maps a decoder. It is strict: a missing, misshapen or unexpected tensor is an
// error that names it and its file; heads that this package does not compute
// are known by name and left out.
func Load(dir string, e compute.Engine, o Options) (*Encoder, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	r, err := checkpoint.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	r.CloseWhenUnused()
	f, err := open(dir, r, cfg)
	if err != nil {
		return nil, err
	}
	have := parts{pooler: f.hasPooler(), mlm: f.hasMLM() && !o.Headless}
	var layers map[string]filler
	if o.Classify {
		have.pooler, have.mlm = have.pooler && f.poolsLabels(), false
		if layers, err = f.layers(); err != nil {
			return nil, err
		}
	}
	src := model.Source{Floats: func(name string, shape []int, _ model.Kind) (func([]float32), error) { return f.read(name, shape...) }}
	if cfg.NF4 {
		src.NF4 = func(name string, out, in int) (*autograd.NF4, error) { return f.readNF4(e, name, out, in) }
	}
	m, err := build(cfg, e, have, src)
	if err != nil {
		return nil, err
	}
	m.layers = layers
	if err := f.finish(m); err != nil {
		m.Free()
		return nil, err
	}
	if o.Frozen {
		m.Freeze()
	}
	return m, nil
}

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
type filler = func(dst []float32)

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

// finish checks that the file holds nothing else.
func (f *folder) finish(m *Encoder) error {
	if err := model.CheckNF4(f.dir, f.cfg.NF4, &m.Weights); err != nil {
		return err
	}
	n := f.family.mlm
	for _, stored := range f.r.Names() {
		name := f.name(stored)
		var err error
		switch {
		case f.used[name], f.ofTask(name), m.mlm == nil && f.ofMLM(name), m.pooler == nil && f.ofPooler(name):
		case slices.ContainsFunc(buffers, func(end string) bool { return strings.HasSuffix(name, end) }):
		case m.mlm != nil && name == n.decoder+".weight":
			err = f.same(stored, m.mlm.decoder.W)
		case m.mlm != nil && m.mlm.decoder.B != nil && (name == n.bias || name == n.decoder+".bias"):
			if f.cfg.TieEmbeddings {
				err = f.same(stored, m.mlm.decoder.B)
			}
		default:
			err = fmt.Errorf("%s: tensor %q is not part of a %s model of %d layers: the weights and config.json do not belong together", f.dir, stored, m.cfg.Family, m.cfg.Layers)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// same checks a tensor that is stored beside the weight it is tied to.
func (f *folder) same(stored string, p *autograd.Param) error {
	if err := f.r.Check(stored, p.Shape()...); err != nil {
		return err
	}
	equal, err := f.r.Equal(stored, f.find(p.Name))
	if err == nil && !equal {
		err = fmt.Errorf("%s: tensor %q differs from %q, to which config.json ties it: set tie_word_embeddings to false, or remove the tensor", f.dir, stored, p.Name)
	}
	return err
}
