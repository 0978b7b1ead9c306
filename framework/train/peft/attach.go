package peft

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/compute"
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
	Freeze()
	Save(dir string) error
}

// LoRA is an adapter on a model.
type LoRA struct {
	m      Base
	cfg    Config
	layers []*Layer
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
	Rank   int
	Scale  float32 // alpha/r or alpha/sqrt(r)

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
func Attach(m Base, c Config, rng *rand.Rand) (*LoRA, error) {
	c = c.withDefaults(m.Family())
	linears, err := Match(m, c.Targets)
	if err != nil {
		return nil, err
	}
	l, err := build(m, c, linears, true)
	if err != nil {
		return nil, err
	}
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
	}
	l.install()
	return l, nil
}

// build makes the layers with A and B zero, without touching the model.
func build(m Base, c Config, linears []*model.Linear, strictPatterns bool) (*LoRA, error) {
	if err := c.validate(); err != nil {
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
	if strictPatterns {
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
	l := &LoRA{m: m, cfg: c}
	for i, lin := range linears {
		r := int(ranks.find(lin.Name, float64(c.Rank)))
		l.layers = append(l.layers, &Layer{
			Linear: lin, Rank: r, of: l, index: uint64(i),
			Scale: c.scale(alphas.find(lin.Name, c.Alpha), r),
			A:     autograd.NewParam(m.Engine(), Prefix+lin.Name+".lora_A.weight", []int{r, lin.In}, nil),
			B:     autograd.NewParam(m.Engine(), Prefix+lin.Name+".lora_B.weight", []int{lin.Out, r}, nil),
		})
	}
	return l, nil
}

// install freezes the base and puts the layers in place.
func (l *LoRA) install() {
	l.m.Freeze()
	for _, layer := range l.layers {
		layer.Linear.Adapt = layer
	}
}

// Config is the adapter's configuration with its defaults filled in.
func (l *LoRA) Config() Config { return l.cfg }

// Layers are the adapted layers in the model's order.
func (l *LoRA) Layers() []*Layer { return l.layers }

// Params are A and B of each layer in the model's order: all that trains.
// Their names are the keys of adapter_model.safetensors.
func (l *LoRA) Params() []*autograd.Param {
	out := make([]*autograd.Param, 0, 2*len(l.layers))
	for _, layer := range l.layers {
		out = append(out, layer.A, layer.B)
	}
	return out
}

// ParamCount is the number of trainable values, sum of r (in + out).
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
		layer.A.Free()
		layer.B.Free()
	}
	l.layers = nil
}
