// Command tunelab-plugin-prefix-tuning is prefix tuning: learned keys and values
// in front of every layer's own.
package main

import (
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() { tune.Serve(prefix{}) }

// prefix trains keys and values of virtual tokens before the input.
type prefix struct{}

func (prefix) Describe() spec.Method {
	return spec.Method{Name: "prefix-tuning", Version: "0.1.0", Family: "peft",
		Summary:  "prefix tuning: keys and values before those of the input train, in every layer; the model stays frozen",
		Citation: "Li and Liang 2021, Prefix-Tuning: Optimizing Continuous Prompts for Generation, section 4"}
}

func (prefix) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: 2e-2, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; the paper takes 5e-5 to 8e-5 for GPT-2 with the projection", Source: "Li and Liang 2021, appendix A"},
		{Name: "num_virtual_tokens", Type: "int", Default: 10, Min: spec.At(1), Max: spec.At(100000), Unit: "tokens", Description: "length of the prefix; as many positions are taken off the model's context", Source: "Li and Liang 2021, section 7.2: 10 for table-to-text"},
		{Name: "prefix_projection", Type: "bool", Default: false, Description: "the keys and values come from smaller vectors through a network of two layers, which is dropped after training", Source: "Li and Liang 2021, section 4.3"},
		{Name: "encoder_hidden_size", Type: "int", Default: 128, Min: spec.At(1), Max: spec.At(1 << 20), Description: "width of that network", Source: "PEFT PrefixTuningConfig"},
		{Name: "init_std", Type: "float", Default: 0.1, Min: spec.At(0), Max: spec.At(10), Description: "standard deviation of the first keys and values, or of the vectors that are projected; PEFT's is 1, which throws small models far off"},
	}}
}

// learned is a prefix of n virtual tokens for layers of keys of a width.
type learned struct {
	*tune.Folder
	n, layers, width int
	e                *autograd.Param   // [n, layers 2 width]: key and value of each layer in turn; projected: [n, width]
	net              []*autograd.Param // nil, or W1 [h,width], b1, W2 [layers 2 width, h], b2
}

// attach gives a frozen model a prefix; hidden 0 is without a projection.
func attach(m *model.Model, n, hidden int) (*learned, error) {
	cfg := m.Config()
	l := &learned{n: n, layers: cfg.Layers, width: cfg.KVHeads * cfg.HeadDim}
	all := 2 * l.layers * l.width
	param := func(name string, shape ...int) *autograd.Param {
		return autograd.NewParam(m.Engine(), name, shape, nil)
	}
	l.e = param("prompt_embeddings", n, all)
	if hidden > 0 {
		l.e = param("embedding.weight", n, l.width)
		l.net = []*autograd.Param{param("transform.0.weight", hidden, l.width), param("transform.0.bias", hidden), param("transform.2.weight", all, hidden), param("transform.2.bias", all)}
	}
	l.Folder = &tune.Folder{Type: "PREFIX_TUNING", Train: append([]*autograd.Param{l.e}, l.net...), Fields: peft.Fields{"num_virtual_tokens": n,
		"token_dim": l.width, "num_layers": cfg.Layers, "num_attention_heads": cfg.KVHeads, "num_transformer_submodules": 1, "prefix_projection": hidden > 0}}
	m.Freeze()
	return l, m.SetPrefix(&model.Prefix{Len: n, KV: func(t *autograd.Tape, layer int) (k, v *autograd.Var) {
		return l.part(t, 2*layer), l.part(t, 2*layer+1)
	}})
}

// part j is the keys (even) or values (odd) of layer j/2: [n,width].
func (l *learned) part(t *autograd.Tape, j int) *autograd.Var {
	var rows []int32
	if l.net == nil {
		for i := range l.n {
			rows = append(rows, int32(i*2*l.layers+j))
		}
		return t.Rows(t.Reshape(t.Param(l.e), 2*l.layers*l.n, l.width), rows)
	}
	for i := range l.width {
		rows = append(rows, int32(j*l.width+i))
	}
	h := t.Tanh(t.Linear(t.Param(l.e), t.Param(l.net[0]), t.Param(l.net[1])))
	bias := t.Reshape(t.Param(l.net[3]), 2*l.layers*l.width, 1)
	return t.Linear(h, t.Rows(t.Param(l.net[2]), rows), t.Rows(bias, rows))
}

// Save writes the keys and values themselves, as PEFT does.
func (l *learned) Save(dir string) error {
	flat := autograd.NewParam(l.e.Engine(), "prompt_embeddings", []int{l.n, 2 * l.layers * l.width}, nil)
	defer flat.Free()
	data, t := make([]float32, flat.Len()), autograd.NewTape(l.e.Engine(), false)
	defer t.Release()
	for j := range 2 * l.layers {
		for i, x := range l.part(t, j).Value() {
			data[(i/l.width*2*l.layers+j)*l.width+i%l.width] = x
		}
	}
	flat.Set(data)
	return peft.WriteFolder(dir, l.Type, l.Fields, []*autograd.Param{flat})
}

func (prefix) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	hidden := 0
	if r.Params.Bool("prefix_projection") {
		hidden = r.Params.Int("encoder_hidden_size")
	}
	l, err := attach(m, r.Params.Int("num_virtual_tokens"), hidden)
	if err != nil {
		return nil, sdk.Fail("params.num_virtual_tokens", err.Error(), "")
	}
	draw(l.e, r.RNG, r.Params.Float("init_std"))
	if l.net != nil {
		draw(l.net[0], r.RNG, 0.1)
		draw(l.net[2], r.RNG, 0.1)
	}
	return l, nil
}

func draw(p *autograd.Param, rng *rand.Rand, std float64) {
	data := make([]float32, p.Len())
	for i := range data {
		data[i] = float32(rng.NormFloat64() * std)
	}
	p.Set(data)
}

func load(m *model.Model, dir string) (tune.Attached, error) {
	n, projected := 0, false
	err := peft.ReadConfig(dir, "PREFIX_TUNING", peft.Fields{"num_virtual_tokens": &n, "num_transformer_submodules": 1, "prefix_projection": &projected,
		"token_dim": m.Config().KVHeads * m.Config().HeadDim, "num_layers": m.Config().Layers, "num_attention_heads": m.Config().KVHeads,
		"encoder_hidden_size": nil, "init_weights": nil})
	if err != nil {
		return nil, err
	}
	l, err := attach(m, n, 0)
	if err != nil {
		return nil, err
	}
	l.Fields["prefix_projection"] = projected
	return l, peft.ReadParams(dir, l.All())
}

func (prefix) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := load(m, dir)
	return m, err
}
