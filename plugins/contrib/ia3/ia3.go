// Command tunelab-plugin-ia3 is (IA)^3: learned factors of activations.
package main

import (
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() { tune.Serve(ia3{}) }

// ia3 trains a factor for each key, value and inner activation of the MLP.
type ia3 struct{}

func (ia3) Describe() spec.Method {
	return spec.Method{Name: "ia3", Version: "0.1.0", Family: "peft",
		Summary:  "(IA)^3: keys, values and the MLP's inner activations are multiplied by learned vectors; all weights stay frozen",
		Citation: "Liu et al. 2022, Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning, section 3.3"}
}

func (ia3) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: 5e-2, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; the paper takes 3e-3 with Adafactor", Source: "Liu et al. 2022, section 3.5"},
		{Name: "target_modules", Type: "strings", Default: []string{}, Description: "modules to scale; none: keys, values and the MLP's second layer, as PEFT has it for the family", Source: "Liu et al. 2022, section 3.3; PEFT IA3Config"},
		{Name: "feedforward_modules", Type: "strings", Default: []string{}, Description: "those of them whose input is scaled in place of their output; none: the MLP's second layer", Source: "PEFT IA3Config"},
	}}
}

// defaults are those of PEFT (utils/constants.py).
var defaults = map[string]struct{ targets, feedforward []string }{
	checkpoint.Llama: {[]string{"k_proj", "v_proj", "down_proj"}, []string{"down_proj"}},
	checkpoint.GPT2:  {[]string{"c_attn", "mlp.c_proj"}, []string{"mlp.c_proj"}},
}

// scaled multiplies a layer's output by l, or its input in a feed-forward layer.
type scaled struct{ l *autograd.Param }

func (s scaled) Apply(t *autograd.Tape, _, y *autograd.Var, _ *model.Linear) *autograd.Var {
	return t.MulRow(y, t.Param(s.l))
}

type scaledInput struct{ l *autograd.Param }

func (s scaledInput) Input(t *autograd.Tape, x *autograd.Var, _ *model.Linear) *autograd.Var {
	return t.MulRow(x, t.Param(s.l))
}

func (scaledInput) Apply(_ *autograd.Tape, _, y *autograd.Var, _ *model.Linear) *autograd.Var {
	return y
}

func attach(m *model.Model, targets, feedforward []string) (*tune.Folder, error) {
	family := m.Config().Family
	if len(targets) == 0 {
		targets = defaults[family].targets
	}
	if len(feedforward) == 0 {
		feedforward = defaults[family].feedforward
	}
	adapted, err := peft.Match(m, targets)
	if err != nil {
		return nil, err
	}
	inner, err := peft.Match(m, feedforward)
	if err != nil {
		return nil, fmt.Errorf("feedforward_modules: %w", err)
	}
	m.Freeze()
	f := &tune.Folder{Type: "IA3"}
	var names, innerNames []string
	for _, lin := range adapted {
		isInner := slices.Contains(inner, lin)
		shape := []int{lin.Out, 1}
		if isInner {
			shape, innerNames = []int{1, lin.In}, append(innerNames, lin.Name)
		}
		l := autograd.NewParam(m.Engine(), peft.Prefix+lin.Name+".ia3_l", shape, slices.Repeat([]float32{1}, shape[0]*shape[1]))
		lin.Adapt = scaled{l}
		if isInner {
			lin.Adapt = scaledInput{l}
		}
		f.Train, names = append(f.Train, l), append(names, lin.Name)
	}
	f.Fields = peft.Fields{"target_modules": names, "feedforward_modules": innerNames, "fan_in_fan_out": family == checkpoint.GPT2, "init_ia3_weights": true}
	return f, nil
}

func (ia3) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	f, err := attach(m, r.Params.Strings("target_modules"), r.Params.Strings("feedforward_modules"))
	if err != nil {
		return nil, tune.ParamError(err)
	}
	return f, nil
}

func load(m *model.Model, dir string) (tune.Attached, error) {
	var targets, feedforward peft.Targets
	err := peft.ReadConfig(dir, "IA3", peft.Fields{"target_modules": &targets, "feedforward_modules": &feedforward, "init_ia3_weights": nil})
	if err != nil {
		return nil, err
	}
	f, err := attach(m, targets, feedforward)
	if err != nil {
		return nil, err
	}
	return f, peft.ReadParams(dir, f.All())
}

func (ia3) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := load(m, dir)
	return m, err
}
