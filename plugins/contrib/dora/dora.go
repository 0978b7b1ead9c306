// Command tunelab-plugin-dora is DoRA: low-rank adaptation of a weight's
// direction beside a learned magnitude.
package main

import (
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() { tune.Serve(dora{}) }

// dora trains A, B and the magnitude m of y = m (W + s B A) x / ||W + s B A||.
type dora struct{}

func (dora) Describe() spec.Method {
	return spec.Method{Name: "dora", Version: "0.1.0", Family: "peft",
		Summary:  "weight-decomposed low-rank adaptation: a low-rank update turns the rows of a frozen weight, a vector sets their lengths",
		Citation: "Liu et al. 2024, DoRA: Weight-Decomposed Low-Rank Adaptation, sections 4.1 and 4.3"}
}

func (dora) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: tune.LoRARate, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW, that of lora"},
		{Name: "rank", Type: "int", Default: 8, Min: spec.At(1), Max: spec.At(4096), Description: "r of the update B A", Source: "Hu et al. 2022, section 4.1; default of PEFT"},
		{Name: "alpha", Type: "float", Default: 16.0, Min: spec.At(1e-6), Max: spec.At(1e6), Description: "the update is scaled by alpha / rank", Source: "Hu et al. 2022, section 4.1"},
		{Name: "use_rslora", Type: "bool", Default: false, Description: "scale by alpha / sqrt(rank)", Source: "Kalajdzievski 2023, section 3"},
		{Name: "target_modules", Type: "strings", Default: []string{}, Description: "modules to adapt: names (q_proj), regular expressions for whole names, or all-linear; none: PEFT's default for the model family", Source: "PEFT LoraConfig"},
	}}
}

// config is what adapter_config.json holds beside what is the same for all.
type config struct {
	rank    int
	alpha   float64
	rsLoRA  bool
	targets peft.Targets
}

func (c config) scale() float32 {
	if c.rsLoRA {
		return float32(c.alpha / math.Sqrt(float64(c.rank)))
	}
	return float32(c.alpha / float64(c.rank))
}

// layer is the adapter of one linear layer: A [r,in], B [out,r], m [out].
type layer struct {
	lin     *model.Linear
	a, b, m *autograd.Param
	scale   float32
}

// norm is the length of each row of W + s B A as a constant, [out]: no gradient
// goes through it (section 4.3).
func (l layer) norm(t *autograd.Tape) *autograd.Var {
	var w *autograd.Var
	if l.lin.Frozen != nil {
		w = t.DequantNF4(l.lin.Frozen)
	} else {
		w = t.Detach(t.Param(l.lin.W))
	}
	delta := t.MatMul(t.Detach(t.Param(l.b)), t.Detach(t.Param(l.a)))
	w = t.Add(w, t.Scale(delta, l.scale))
	return t.Sqrt(t.RowSum(t.Mul(w, w)))
}

func (l layer) Apply(t *autograd.Tape, x, y *autograd.Var, lin *model.Linear) *autograd.Var {
	update := t.Linear(t.Scale(t.Linear(x, t.Param(l.a), nil), l.scale), t.Param(l.b), nil)
	factor := t.Div(t.Param(l.m), l.norm(t))
	if lin.B == nil {
		return t.MulRow(t.Add(y, update), factor)
	}
	bias := t.Param(lin.B)
	y = t.AddRow(y, t.Neg(bias)) // the bias is no part of the weight
	return t.AddRow(t.MulRow(t.Add(y, update), factor), bias)
}

func attach(m *model.Model, c config) (*tune.Folder, []layer, error) {
	if len(c.targets) == 0 {
		c.targets = peft.DefaultTargets(m.Config().Family)
	}
	adapted, err := peft.Match(m, c.targets)
	if err != nil {
		return nil, nil, err
	}
	m.Freeze()
	f := &tune.Folder{Type: "LORA"}
	var layers []layer
	var names []string
	for _, lin := range adapted {
		param := func(name string, shape ...int) *autograd.Param {
			p := autograd.NewParam(m.Engine(), peft.Prefix+lin.Name+name, shape, nil)
			f.Train = append(f.Train, p)
			return p
		}
		l := layer{lin, param(".lora_A.weight", c.rank, lin.In), param(".lora_B.weight", lin.Out, c.rank), param(".lora_magnitude_vector", lin.Out), c.scale()}
		lin.Adapt, layers, names = l, append(layers, l), append(names, lin.Name)
	}
	f.Fields = peft.Fields{"use_dora": true, "r": c.rank, "lora_alpha": c.alpha, "use_rslora": c.rsLoRA, "target_modules": names,
		"lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": m.Config().Family == checkpoint.GPT2, "init_lora_weights": true}
	return f, layers, nil
}

func (dora) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	f, layers, err := attach(m, config{rank: r.Params.Int("rank"), alpha: r.Params.Float("alpha"), rsLoRA: r.Params.Bool("use_rslora"), targets: r.Params.Strings("target_modules")})
	if err != nil {
		return nil, tune.ParamError(err)
	}
	for _, l := range layers {
		a, bound := make([]float32, l.a.Len()), 1/math.Sqrt(float64(l.lin.In)) // as LoRA's
		for j := range a {
			a[j] = float32((2*r.RNG.Float64() - 1) * bound)
		}
		l.a.Set(a)
		t := autograd.NewTape(m.Engine(), false)
		l.m.Set(l.norm(t).Value()) // so that nothing changes at first
		t.Release()
	}
	return f, nil
}

func load(m *model.Model, dir string) (tune.Attached, error) {
	c := config{rank: 8, alpha: 8}
	err := peft.ReadConfig(dir, "LORA", peft.Fields{"use_dora": true, "r": &c.rank, "lora_alpha": &c.alpha, "use_rslora": &c.rsLoRA, "target_modules": &c.targets,
		"lora_dropout": nil, "bias": "none", "init_lora_weights": true})
	if err != nil {
		return nil, err
	}
	if c.rank < 1 {
		return nil, fmt.Errorf("%s: r: %d is not a rank", dir, c.rank)
	}
	f, _, err := attach(m, c)
	if err != nil {
		return nil, err
	}
	return f, peft.ReadParams(dir, f.All())
}

func (dora) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := load(m, dir)
	return m, err
}
