package encoder

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Classifier is an encoder's label head, as transformers' class for sequence
// classification of the family has it: the pooled state of a sequence goes
// through a dense layer, an activation and, in ModernBERT, a norm, and then
// through an output layer with a row and a bias for each label. Pooled is the
// first token; ModernBERT does as classifier_pooling says. There is no dropout.
//
// Layers before the output layer are the folder's where it has them: BERT's
// pooler, the masked-LM head's in ModernBERT, those of an earlier classifier.
// The output layer is always new, since its rows are the labels of one task.
type Classifier struct {
	m      *Encoder
	dense  *model.Linear // BERT: the encoder's pooler, where it has one
	norm   norm
	out    *model.Linear
	params []*autograd.Param
	// modules are those that the folder did not have, or not whole; fresh their weights.
	modules []string
	fresh   []*autograd.Param
}

// labelNames are whole module paths of a label head, and its activation; ""
// is classifier_activation.
type labelNames struct{ dense, norm, out, activation string }

// NewClassifier puts a label head on an encoder that was loaded with
// Options.Classify. New weights are normal with Config.InitStd, from rng in the
// order of Params; new biases are 0 and a new norm is the identity.
func NewClassifier(m *Encoder, labels int, rng *rand.Rand) *Classifier {
	c, n, width := &Classifier{m: m, dense: m.pooler}, m.family.label, m.cfg.HiddenSize
	if m.pooler == nil || n.dense != m.pooler.Name {
		c.dense = c.linear(n.dense, width, width, m.cfg.HeadBias, rng)
	}
	if n.norm != "" {
		ones := slices.Repeat([]float32{1}, width)
		c.norm.g = c.param(n.norm+".weight", []int{width}, ones)
		if m.cfg.NormBias {
			c.norm.b = c.param(n.norm+".bias", []int{width}, nil)
		}
	}
	c.out = c.linear(n.out, labels, width, true, rng)
	c.split()
	return c
}

// split finds what is new, by whole modules of transformers' class: PEFT keeps
// no less beside an adapter (modules_to_save).
func (c *Classifier) split() {
	module := func(p *autograd.Param) string {
		name, _, _ := strings.Cut(strings.TrimPrefix(p.Name, c.m.family.prefix), ".")
		return name
	}
	for _, p := range c.params {
		if _, stored := c.m.layers[p.Name]; !stored && !slices.Contains(c.modules, module(p)) {
			c.modules = append(c.modules, module(p))
		}
	}
	for _, p := range c.params {
		if p.Trainable = slices.Contains(c.modules, module(p)); p.Trainable {
			c.fresh = append(c.fresh, p)
		}
	}
}

func (c *Classifier) linear(name string, out, in int, bias bool, rng *rand.Rand) *model.Linear {
	data := make([]float32, out*in)
	for i := range data {
		data[i] = float32(rng.NormFloat64() * c.m.cfg.InitStd)
	}
	l := &model.Linear{Name: name, In: in, Out: out, W: c.param(name+".weight", []int{out, in}, data)}
	if bias {
		l.B = c.param(name+".bias", []int{out}, nil)
	}
	return l
}

// param has the folder's values, where it has the layer, or data.
func (c *Classifier) param(name string, shape []int, data []float32) *autograd.Param {
	var p *autograd.Param
	if fill, ok := c.m.layers[name]; ok {
		p = autograd.NewLazyParam(c.m.Engine(), name, shape, fill)
	} else {
		p = autograd.NewParam(c.m.Engine(), name, shape, data)
	}
	c.params = append(c.params, p)
	return p
}

// Encoder is what the head is on.
func (c *Classifier) Encoder() *Encoder { return c.m }

// Labels is the number of labels.
func (c *Classifier) Labels() int { return c.out.Out }

// Params are the head's weights in a fixed order, by their Hugging Face names,
// without those that are the encoder's own.
func (c *Classifier) Params() []*autograd.Param { return c.params }

// New are the weights of the modules that the folder did not have, or not
// whole: what a method trains that leaves the pretrained model as it is. The
// head's others are frozen at first.
func (c *Classifier) New() []*autograd.Param { return c.fresh }

// Modules are those that New makes, as PEFT's modules_to_save would name them.
func (c *Classifier) Modules() []string { return c.modules }

// Logits gives the labels' logits [S,labels] for the final hidden states [N,C]
// of packed sequences.
func (c *Classifier) Logits(t *autograd.Tape, hidden *autograd.Var, seqLens []int) *autograd.Var {
	x := c.dense.Forward(t, Pool(t, hidden, seqLens, c.m.cfg.LabelPooling))
	switch a := c.m.family.label.activation; a {
	case "tanh":
		x = t.Tanh(x)
	case "":
		x = activate(t, x, c.m.cfg.HeadActivation)
	default:
		x = activate(t, x, a)
	}
	return c.out.Forward(t, c.m.norm(t, x, c.norm))
}

// layers reads what the folder has of a label head before its output layer.
func (f *folder) layers() (map[string]filler, error) {
	n, c, out := f.family.label, f.cfg.HiddenSize, map[string]filler{}
	type tensor struct {
		name  string
		shape []int
	}
	want := []tensor{{n.dense + ".weight", []int{c, c}}}
	if f.cfg.HeadBias {
		want = append(want, tensor{n.dense + ".bias", []int{c}})
	}
	if n.norm != "" {
		want = append(want, tensor{n.norm + ".weight", []int{c}})
		if f.cfg.NormBias {
			want = append(want, tensor{n.norm + ".bias", []int{c}})
		}
	}
	if f.poolsLabels() || !f.has(want[0].name) {
		return out, nil
	}
	if err := inFloats(f.r, f.stored[want[0].name]); err != nil {
		return nil, err
	}
	for _, w := range want {
		var err error
		if out[w.name], err = f.read(w.name, w.shape...); err != nil {
			return nil, err
		}
	}
	return out, nil
}
