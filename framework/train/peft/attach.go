package peft

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Base is a model that adapters go on: a *model.Model or an *encoder.Encoder,
// whose methods these are.
type Base interface {
	Family() string
	Engine() compute.Engine
	Linears() []*model.Linear
	Head() *model.Linear // nil: none
	Embedding() *autograd.Param
	Params() []*autograd.Param
	Freeze()
	Save(dir string) error
}

// LoRA is an adapter on a model.
type LoRA struct {
	m      Base
	cfg    Config
	layers []*Layer
	whole  []*whole // weights of the model that train whole
	own    Own
	untied tying  // nil: nothing was untied
	keyed  bool   // a dropout key was given
	key    uint64 // of the next training forward
	off    bool   // disabled: the base model speaks
	merged bool
}

// Layer is the adapter of one linear layer.
type Layer struct {
	Linear *model.Linear
	A      *autograd.Param // [r, in]
	B      *autograd.Param // [out, r]
	// Magnitude is the length of each row of the adapted weight, [out]; nil
	// without DoRA.
	Magnitude *autograd.Param
	Rank      int
	Scale     float32 // alpha/r or alpha/sqrt(r)

	of    *LoRA
	index uint64
	base  base // what Merge put aside
}

// Prefix stands before the module path in the names of an adapter's tensors.
const Prefix = "base_model.model."

// Attach freezes every weight of m and puts a new adapter on the layers that
// c.Targets names; m computes exactly what it did. A is drawn from rng layer by
// layer in the model's order. A pattern that names nothing, and a layer that
// already carries an adapter, are errors; m is then left as it was.
func Attach(m Base, c Config, rng *rand.Rand, own ...Own) (*LoRA, error) {
	l, err := build(m, c.withDefaults(m.Family()), nil, own)
	if err != nil {
		return nil, err
	}
	l.copyBase()
	for _, layer := range l.layers {
		a := make([]float32, layer.A.Len())
		if l.cfg.Init == InitGaussian {
			for i := range a {
				a[i] = float32(rng.NormFloat64() / float64(layer.Rank))
			}
		} else {
			bound := 1 / math.Sqrt(float64(layer.Linear.In))
			for i := range a {
				a[i] = float32((2*rng.Float64() - 1) * bound)
			}
		}
		layer.A.Set(a)
		if l.cfg.DoRA {
			if err := layer.setMagnitude(); err != nil {
				l.drop()
				return nil, fmt.Errorf("module %s: %w", layer.Linear.Name, err)
			}
		}
	}
	l.install()
	return l, nil
}

// build makes the layers with A and B zero, for the tensors of from where there
// is one; nothing of the model is changed but
// for a tied output layer that must be parted.
func build(m Base, c Config, from *checkpoint.Reader, own []Own) (*LoRA, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	saved, err := savedModules(m, c.ModulesToSave)
	if err != nil {
		return nil, err
	}
	linears, err := c.linears(m)
	if err != nil {
		return nil, err
	}
	ranks, err := compileOverrides("rank_pattern", c.RankPattern)
	if err != nil {
		return nil, err
	}
	alphas, err := compileOverrides("alpha_pattern", c.AlphaPattern)
	if err != nil {
		return nil, err
	}
	if from == nil { // a file may hold patterns for other models
		if key := ranks.unused(linears); key != "" {
			return nil, fmt.Errorf("rank_pattern[%q]: matches none of the %d adapted modules; it must match the end of a name such as %q", key, len(linears), linears[0].Name)
		}
		if key := alphas.unused(linears); key != "" {
			return nil, fmt.Errorf("alpha_pattern[%q]: matches none of the %d adapted modules; it must match the end of a name such as %q", key, len(linears), linears[0].Name)
		}
	}
	for _, lin := range linears {
		if lin.Adapt != nil {
			return nil, fmt.Errorf("target_modules: module %s already carries an adapter; detach or merge that one first", lin.Name)
		}
	}
	for _, module := range saved {
		if i := slices.IndexFunc(linears, func(lin *model.Linear) bool { return inside(lin.Name, module) }); i >= 0 {
			return nil, fmt.Errorf("modules_to_save: names %s, which target_modules adapts; name one of the two otherwise", linears[i].Name)
		}
	}
	l := &LoRA{m: m, cfg: c, own: join(own)}
	for i, lin := range linears {
		r := int(ranks.find(lin.Name, float64(c.Rank)))
		if from != nil { // a rank that the file does not have takes no memory
			if err := from.Check(Prefix+lin.Name+".lora_A.weight", r, lin.In); err != nil {
				l.drop()
				return nil, err
			}
		}
		layer := &Layer{
			Linear: lin, Rank: r, of: l, index: uint64(i),
			Scale: c.scale(alphas.find(lin.Name, c.Alpha), r),
			A:     autograd.NewParam(m.Engine(), Prefix+lin.Name+".lora_A.weight", []int{r, lin.In}, nil),
			B:     autograd.NewParam(m.Engine(), Prefix+lin.Name+".lora_B.weight", []int{lin.Out, r}, nil),
		}
		if c.DoRA {
			layer.Magnitude = autograd.NewParam(m.Engine(), Prefix+lin.Name+".lora_magnitude_vector", []int{lin.Out}, nil)
		}
		l.layers = append(l.layers, layer)
	}
	if err := l.wholeWeights(saved); err != nil {
		l.drop()
		return nil, err
	}
	return l, nil
}

// drop frees what build made.
func (l *LoRA) drop() {
	for _, p := range l.adapterParams() {
		p.Free()
	}
	l.layers = nil
	l.dropWhole()
}

// install freezes the base and puts the layers in place.
func (l *LoRA) install() {
	l.m.Freeze()
	l.place()
	for _, w := range l.whole {
		w.p.Trainable = true
	}
	for _, layer := range l.layers {
		layer.Linear.Adapt = layer
	}
}

// Config is the adapter's configuration with its defaults filled in.
func (l *LoRA) Config() Config { return l.cfg }

// Layers are the adapted layers in the model's order.
func (l *LoRA) Layers() []*Layer { return l.layers }

// Params are all that trains: A, B and with DoRA the magnitude of each layer in
// the model's order, then the model's own weights that train whole, then those
// of the caller. The adapter's names are the keys of adapter_model.safetensors.
func (l *LoRA) Params() []*autograd.Param {
	out := l.adapterParams()
	for _, w := range l.whole {
		out = append(out, w.p)
	}
	return append(out, l.own.Params...)
}

func (l *LoRA) adapterParams() []*autograd.Param {
	var out []*autograd.Param
	for _, layer := range l.layers {
		out = append(out, layer.A, layer.B)
		if layer.Magnitude != nil {
			out = append(out, layer.Magnitude)
		}
	}
	return out
}

// ParamCount is the number of trainable values; of the adapter, the sum of r (in + out).
func (l *LoRA) ParamCount() int64 {
	n := int64(0)
	for _, p := range l.Params() {
		n += int64(p.Len())
	}
	return n
}

// Detach takes the adapter off the model, unmerged, and frees it; the model is
// the base again, still frozen. The adapter must not be used afterwards.
func (l *LoRA) Detach() {
	l.Unmerge()
	for _, layer := range l.layers {
		layer.Linear.Adapt = nil
	}
	for _, w := range l.whole {
		w.p.ZeroGrad()
		w.p.Trainable = false
	}
	l.drop()
}
