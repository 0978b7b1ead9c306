package model

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Options of Load. The zero value gives trainable weights.
type Options struct {
	Frozen bool // no weight is trainable: no gradient is computed for any
}

// Load reads a Hugging Face folder (config.json and safetensors) of any of
// checkpoint.Families onto an engine. It is strict: a missing, misshapen or
// unexpected tensor is an error that names it and its file, and so is a classifier
// (ForSequenceClassification), which has no output layer. Linear layers that are
// stored in NF4 stay in it and do not train (nf4.go). The files stay
// open, and a weight is read when it is first used: a file that was written to
// meanwhile is then a *compute.FillError (to replace or remove it is no harm).
func Load(dir string, e compute.Engine, o Options) (*Model, error) {
	cfg, err := checkpoint.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	if len(cfg.Labels) > 0 {
		class, err := cfg.Classifier()
		if err != nil {
			class = cfg.Family
		}
		return nil, fmt.Errorf("%s: architectures: %s is a classifier of %d labels (%s, ...): it has no output layer to score or write text with, and the labels of another task need another head; give the language model that it was made from", filepath.Join(dir, checkpoint.ConfigFile), class, len(cfg.Labels), cfg.Labels[0])
	}
	r, err := checkpoint.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	var m *Model
	err = compute.Recover(func() error {
		m, err = fromFolder(dir, cfg, r, e)
		return err
	})
	if err != nil {
		r.Close()
		return nil, err
	}
	m.ReadFrom(r)
	for _, p := range m.Params() {
		p.Trainable = !o.Frozen
	}
	return m, nil
}

func fromFolder(dir string, cfg checkpoint.Config, r *checkpoint.Reader, e compute.Engine) (*Model, error) {
	f := folder{dir: dir, r: r, layout: layouts[cfg.Family](cfg), used: map[string]bool{}}
	f.bare = f.layout.base != "" && !slices.ContainsFunc(r.Names(), func(n string) bool { return strings.HasPrefix(n, f.layout.base) })
	src := Source{Floats: f.read}
	if cfg.NF4 {
		src.NF4 = func(name string, out, in int) (*autograd.NF4, error) { return f.readNF4(e, name, out, in) }
	}
	m, err := assemble(cfg, e, src)
	if err != nil {
		return nil, err
	}
	if err := f.finish(m); err != nil {
		m.Free()
		return nil, err
	}
	return m, nil
}

// folder reads weights by their names in memory.
type folder struct {
	dir    string
	r      *checkpoint.Reader
	layout layout
	bare   bool // names are stored without the base, as in openai-community/gpt2
	used   map[string]bool
}

func (f *folder) read(name string, shape []int, k Kind) (func(dst []float32) error, error) {
	name = f.stored(name)
	f.used[name] = true
	if !f.layout.transposed || k != Matrix && k != Residual {
		return f.r.Filler(name, shape...)
	}
	fill, err := f.r.Filler(name, shape[1], shape[0])
	if err != nil {
		return nil, err
	}
	return func(dst []float32) error {
		stored := make([]float32, len(dst))
		if err := fill(stored); err != nil {
			return err
		}
		copy(dst, transpose(stored, shape[1], shape[0]))
		return nil
	}, nil
}

func (f *folder) readNF4(e compute.Engine, name string, out, in int) (*autograd.NF4, error) {
	name = f.stored(name)
	w, parts, err := StoredNF4(e, f.r, name, out, in)
	for _, part := range parts {
		f.used[name], f.used[part] = true, true
	}
	return w, err
}

// stored is a weight's name in the file.
func (f *folder) stored(name string) string {
	if _, ok := f.r.Info(name); ok {
		return name
	}
	name = f.layout.stored(name)
	if f.bare {
		name = strings.TrimPrefix(name, f.layout.base)
	}
	return name
}

// stored is a weight's name as transformers saves it.
func (l *layout) stored(name string) string {
	if rest, ok := strings.CutPrefix(name, "lm_head."); ok && l.storedHead != "" {
		return l.storedHead + "." + rest
	}
	return name
}

// finish checks that the file holds nothing else.
func (f *folder) finish(m *Model) error {
	if err := CheckNF4(f.dir, m.cfg.NF4, &m.Weights); err != nil {
		return err
	}
	for _, name := range f.r.Names() {
		switch {
		case f.used[name] || slices.ContainsFunc(f.layout.bufferNames, func(end string) bool { return strings.HasSuffix(name, end) }):
		case name == f.stored("lm_head.weight") && m.cfg.TieEmbeddings:
			if err := f.r.Check(name, m.cfg.VocabSize, m.cfg.EmbedWidth()); err != nil {
				return err
			}
			if equal, err := f.r.Equal(name, f.stored(m.embed.Name)); err != nil {
				return err
			} else if !equal {
				return fmt.Errorf("%s: tensor %q differs from the token embedding, but config.json says tie_word_embeddings: set it to false, or remove the tensor", f.dir, name)
			}
		default:
			return fmt.Errorf("%s: tensor %q is not part of a %s model of %d layers: the weights and config.json do not belong together", f.dir, name, m.cfg.Family, m.cfg.Layers)
		}
	}
	return nil
}

// New makes a model with random weights for training from scratch: normal with
// cfg.InitStd (0 means 0.02), projections into the residual stream divided by
// sqrt(2 layers) (Radford et al. 2019, section 2.3), norms 1, biases 0. Weights
// are drawn in Params' order.
func New(cfg checkpoint.Config, e compute.Engine, rng *rand.Rand) (*Model, error) {
	if cfg.InitStd == 0 {
		cfg.InitStd = 0.02
	}
	return assemble(cfg, e, Random(cfg.InitStd, cfg.Layers, rng))
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
