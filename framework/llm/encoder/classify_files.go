package encoder

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Save writes the encoder with its label head to the folder dir, which it makes,
// in the form of transformers' class for sequence classification of the family;
// config.json names the labels (id2label, label2id). AutoModel loads the same
// folder without the head. Adapters must be merged before.
func (c *Classifier) Save(dir string, labels []string) error {
	byID, ids := map[string]string{}, map[string]int{}
	for i, l := range labels {
		byID[strconv.Itoa(i)], ids[l] = l, i
	}
	return c.m.save(dir, "F32", form{
		class: strings.TrimSuffix(c.m.family.class, "Model") + "ForSequenceClassification", params: append(c.m.Params(), c.params...),
		fields: map[string]any{"id2label": byID, "label2id": ids}, drop: []string{"num_labels", "problem_type"},
	})
}

// LoadClassifier reads a folder that Save or transformers' class for sequence
// classification wrote. Nothing of it is New.
func LoadClassifier(dir string, e compute.Engine) (*Classifier, error) {
	m, err := Load(dir, e, Options{Classify: true})
	if err != nil {
		return nil, err
	}
	c, err := readHead(dir, m)
	if err != nil {
		m.Free()
	}
	return c, err
}

func readHead(dir string, m *Encoder) (*Classifier, error) {
	r, err := checkpoint.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	name := m.family.label.out + ".weight"
	if err := inFloats(r, name); err != nil {
		return nil, err
	}
	out, ok := r.Info(name)
	if !ok || len(out.Shape) != 2 {
		return nil, fmt.Errorf("%s: has no tensor %q with a row for each label; give the folder of a classifier", dir, name)
	}
	c := NewClassifier(m, out.Shape[0], rand.New(rand.NewPCG(0, 0)))
	for _, p := range c.params {
		data, err := r.Float32(p.Name, p.Shape()...)
		if err != nil {
			return nil, err
		}
		p.Set(data)
		p.Trainable = false
	}
	c.modules, c.fresh = nil, nil
	return c, nil
}

// inFloats refuses a weight of a label head that is stored in NF4, as the
// encoder's may be: a head is trained, and read as what is trained.
func inFloats(r *checkpoint.Reader, name string) error {
	if len(r.NF4Parts(name)) > 0 {
		return fmt.Errorf("%s: tensor %q of the label head is in NF4, which is supported in the encoder alone; load the unquantised classifier", r.Where(), name)
	}
	return nil
}

// Names are what transformers' task classes call the tensors of the folder dir,
// by the names they are stored under: a bare encoder's stand without the prefix
// that Save writes with a head.
func Names(dir string) (map[string]string, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	r, err := checkpoint.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := open(dir, r, cfg)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, stored := range f.stored {
		out[stored] = name
	}
	return out, nil
}

// SaveHead writes the head's own weights alone to a safetensors file.
func (c *Classifier) SaveHead(path string) error {
	return compute.Recover(func() error { // a weight may be read now
		var tensors []checkpoint.Tensor
		for _, p := range c.params {
			tensors = append(tensors, checkpoint.Tensor{Name: p.Name, Shape: p.Shape(), Data: p.Data()})
		}
		return checkpoint.WriteSafetensors(path, tensors, nil)
	})
}

// LoadHead sets the head's own weights from a file of SaveHead. A missing,
// misshapen or unexpected tensor is an error.
func (c *Classifier) LoadHead(path string) error {
	r, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	known := map[string]bool{}
	for _, p := range c.params {
		data, err := r.Float32(p.Name, p.Shape()...)
		if err != nil {
			return fmt.Errorf("%s: the label head of a %s: %w", filepath.Base(path), c.m.Family(), err)
		}
		p.Set(data)
		known[p.Name] = true
	}
	for _, name := range r.Names() {
		if !known[name] {
			return fmt.Errorf("%s: unexpected tensor %q in the label head of a %s", path, name, c.m.Family())
		}
	}
	return nil
}
