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
// onto an engine, each weight at its first use as model.Load reads a decoder's. It
// is strict: a missing, misshapen or unexpected tensor is an error that names it
// and its file; heads that this package does not compute are known by name and
// left out.
func Load(dir string, e compute.Engine, o Options) (*Encoder, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	r, err := checkpoint.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	var m *Encoder
	err = compute.Recover(func() error {
		m, err = fromFolder(dir, cfg, r, e, o)
		return err
	})
	if err != nil {
		r.Close()
		return nil, err
	}
	m.ReadFrom(r)
	return m, nil
}

func fromFolder(dir string, cfg Config, r *checkpoint.Reader, e compute.Engine, o Options) (*Encoder, error) {
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
	src := model.Source{Floats: func(name string, shape []int, _ model.Kind) (filler, error) { return f.read(name, shape...) }}
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
