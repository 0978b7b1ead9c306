// Command tunelab-plugin-vera is VeRA: one pair of random matrices for all
// layers, and two learned vectors for each.
package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() { tune.Serve(vera{}) }

// vera trains b and d of y + b (B (d (A x))), products of vectors by element.
type vera struct{}

func (vera) Describe() spec.Method {
	return spec.Method{Name: "vera", Version: "0.1.0", Family: "peft",
		Summary:  "vector-based random matrix adaptation: frozen random A and B that all layers share, scaled by vectors that train",
		Citation: "Kopiczko et al. 2024, VeRA: Vector-based Random Matrix Adaptation, section 3"}
}

func (vera) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: 5e-2, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW, ten times that of lora: two vectors a layer move little"},
		{Name: "rank", Type: "int", Default: 256, Min: spec.At(1), Max: spec.At(65536), Description: "r of A and B, which cost no trainable weights", Source: "Kopiczko et al. 2024, section 3; default of PEFT"},
		{Name: "d_initial", Type: "float", Default: 0.1, Min: spec.At(-10), Max: spec.At(10), Description: "first value of d; b starts at zero", Source: "Kopiczko et al. 2024, section 3.3"},
		{Name: "target_modules", Type: "strings", Default: []string{}, Description: "modules to adapt: names (q_proj), regular expressions for whole names, or all-linear; none: PEFT's default for the model family", Source: "PEFT VeraConfig"},
	}}
}

// layer is the adapter of one linear layer: A [r,in] and B [out,r] are the
// corners of the shared matrices that fit it.
type layer struct{ a, b, lambdaD, lambdaB *autograd.Param }

func (l layer) Apply(t *autograd.Tape, x, y *autograd.Var, _ *model.Linear) *autograd.Var {
	h := t.MulRow(t.Linear(x, t.Param(l.a), nil), t.Param(l.lambdaD))
	return t.Add(y, t.MulRow(t.Linear(h, t.Param(l.b), nil), t.Param(l.lambdaB)))
}

// attached is the folder with the layers that read its shared matrices.
type attached struct {
	*tune.Folder
	layers []layer
}

func attach(m *model.Model, rank int, targets []string) (*attached, error) {
	if len(targets) == 0 {
		targets = peft.DefaultTargets(m.Config().Family)
	}
	adapted, err := peft.Match(m, targets)
	if err != nil {
		return nil, err
	}
	m.Freeze()
	fixed := func(name string, rows, cols int) *autograd.Param {
		p := autograd.NewParam(m.Engine(), name, []int{rows, cols}, nil)
		p.Trainable = false
		return p
	}
	a := &attached{Folder: &tune.Folder{Type: "VERA"}}
	var names []string
	in, out := 0, 0
	as, bs := map[int]*autograd.Param{}, map[int]*autograd.Param{} // corners by width, each once
	for _, lin := range adapted {
		in, out = max(in, lin.In), max(out, lin.Out)
		if as[lin.In] == nil {
			as[lin.In] = fixed("A", rank, lin.In)
		}
		if bs[lin.Out] == nil {
			bs[lin.Out] = fixed("B", lin.Out, rank)
		}
		name := peft.Prefix + lin.Name
		l := layer{as[lin.In], bs[lin.Out], autograd.NewParam(m.Engine(), name+".vera_lambda_d", []int{rank}, nil), autograd.NewParam(m.Engine(), name+".vera_lambda_b", []int{lin.Out}, nil)}
		lin.Adapt = l
		a.layers, names, a.Train = append(a.layers, l), append(names, lin.Name), append(a.Train, l.lambdaD, l.lambdaB)
	}
	a.Fixed = []*autograd.Param{fixed("base_model.vera_A", rank, in), fixed("base_model.vera_B", out, rank)}
	a.Fields = peft.Fields{"r": rank, "target_modules": names, "save_projection": true, "projection_prng_key": 0, "vera_dropout": 0.0,
		"bias": "none", "fan_in_fan_out": m.Config().Family == checkpoint.GPT2, "init_weights": true}
	return a, nil
}

// share cuts the layers' corners out of the whole matrices.
func (a *attached) share() {
	wholeA, wholeB, in := a.Fixed[0].Data(), a.Fixed[1].Data(), a.Fixed[0].T.Shape[1]
	for _, l := range a.layers {
		var corner []float32
		for row := 0; row < len(wholeA); row += in {
			corner = append(corner, wholeA[row:row+l.a.T.Shape[1]]...)
		}
		l.a.Set(corner)
		l.b.Set(wholeB[:l.b.Len()])
	}
}

func (vera) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	a, err := attach(m, r.Params.Int("rank"), r.Params.Strings("target_modules"))
	if err != nil {
		return nil, tune.ParamError(err)
	}
	for _, p := range a.Fixed {
		kaiming(p, r.RNG)
	}
	a.share()
	for _, l := range a.layers {
		l.lambdaD.Set(slices.Repeat([]float32{float32(r.Params.Float("d_initial"))}, l.lambdaD.Len()))
	}
	return a, nil
}

// kaiming draws uniformly in +-sqrt(6/columns), as PEFT does (He et al. 2015).
func kaiming(p *autograd.Param, rng *rand.Rand) {
	data, bound := make([]float32, p.Len()), math.Sqrt(6/float64(p.T.Shape[1]))
	for i := range data {
		data[i] = float32((2*rng.Float64() - 1) * bound)
	}
	p.Set(data)
}

func load(m *model.Model, dir string) (tune.Attached, error) {
	rank, targets := 256, peft.Targets{}
	err := peft.ReadConfig(dir, "VERA", peft.Fields{"r": &rank, "target_modules": &targets, "save_projection": true, "bias": "none",
		"projection_prng_key": nil, "vera_dropout": nil, "d_initial": nil, "init_weights": nil})
	if err != nil {
		return nil, err
	}
	a, err := attach(m, rank, targets)
	if err != nil {
		return nil, err
	}
	if err := peft.ReadParams(dir, a.All()); err != nil {
		return nil, err
	}
	a.share()
	return a, nil
}

func (vera) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := load(m, dir)
	return m, err
}
