// Command tunelab-plugin-bottleneck is bottleneck adapters: small networks after
// the sublayers of each block.
package main

import (
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() { tune.Serve(bottleneck{}) }

// bottleneck trains y + U f(D y + d) + u after a sublayer's output y.
type bottleneck struct{}

func (bottleneck) Describe() spec.Method {
	return spec.Method{Name: "bottleneck", Version: "0.1.0", Family: "peft",
		Summary:  "bottleneck adapters: a narrow network with a skip connection after each sublayer trains; the model stays frozen",
		Citation: "Houlsby et al. 2019, Parameter-Efficient Transfer Learning for NLP, section 2.1"}
}

// Where the networks stand.
const (
	houlsby  = "houlsby"
	pfeiffer = "pfeiffer"
)

func (bottleneck) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: 1e-2, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; the paper tries 3e-5 to 3e-3", Source: "Houlsby et al. 2019, section 3.2"},
		{Name: "bottleneck_size", Type: "int", Default: 8, Min: spec.At(1), Max: spec.At(65536), Description: "width of the network; the paper tries 8, 64 and 256", Source: "Houlsby et al. 2019, section 3.2"},
		{Name: "placement", Type: "string", Default: houlsby, Choices: []string{houlsby, pfeiffer}, Description: "after attention and MLP, or after the MLP alone", Source: "Houlsby et al. 2019, figure 2; Pfeiffer et al. 2021, AdapterFusion"},
		{Name: "non_linearity", Type: "string", Default: "gelu", Choices: []string{"gelu", "relu", "silu"}, Description: "f of the network"},
		{Name: "init_std", Type: "float", Default: 1e-2, Min: spec.At(0), Max: spec.At(1), Description: "standard deviation of the first D, drawn up to two of them; U starts at zero, so that nothing changes at first, where the paper draws it likewise", Source: "Houlsby et al. 2019, sections 2.1 and 3.1"},
	}}
}

// network is D [b,C], d [b], U [C,b] and u [C].
type network struct {
	down, downBias, up, upBias *autograd.Param
	f                          func(*autograd.Tape, *autograd.Var) *autograd.Var
}

// Apply goes on the last layer of a sublayer, so before the sublayer's own skip
// connection.
func (n network) Apply(t *autograd.Tape, _, y *autograd.Var, _ *model.Linear) *autograd.Var {
	h := n.f(t, t.Linear(y, t.Param(n.down), t.Param(n.downBias)))
	return t.Add(y, t.Linear(h, t.Param(n.up), t.Param(n.upBias)))
}

// config is what adapter_config.json holds.
type config struct {
	size         int
	placement, f string
}

var functions = map[string]func(*autograd.Tape, *autograd.Var) *autograd.Var{
	"gelu": func(t *autograd.Tape, x *autograd.Var) *autograd.Var { return t.GELU(x, false) },
	"relu": (*autograd.Tape).ReLU,
	"silu": (*autograd.Tape).SiLU,
}

func attach(m *model.Model, c config) (*tune.Folder, error) {
	// The last layers of the sublayers, of the families that tunelab has.
	ends := []string{`.*\.(self_attn\.o_proj|attn\.c_proj)`, `.*\.mlp\.(down_proj|c_proj)`}
	switch c.placement {
	case houlsby:
	case pfeiffer:
		ends = ends[1:]
	default:
		return nil, fmt.Errorf("placement: %q is neither %s nor %s", c.placement, houlsby, pfeiffer)
	}
	if functions[c.f] == nil || c.size < 1 {
		return nil, fmt.Errorf("bottleneck_size, non_linearity: %d and %q are none that this method has", c.size, c.f)
	}
	lasts, err := peft.Match(m, ends)
	if err != nil {
		return nil, err
	}
	m.Freeze()
	f := &tune.Folder{Type: "BOTTLENECK", Fields: peft.Fields{"bottleneck_size": c.size, "placement": c.placement, "non_linearity": c.f}}
	for _, lin := range lasts {
		param := func(name string, shape ...int) *autograd.Param {
			return autograd.NewParam(m.Engine(), peft.Prefix+lin.Name+"."+name, shape, nil)
		}
		n := network{param("adapter_down.weight", c.size, lin.Out), param("adapter_down.bias", c.size),
			param("adapter_up.weight", lin.Out, c.size), param("adapter_up.bias", lin.Out), functions[c.f]}
		lin.Adapt = n
		f.Train = append(f.Train, n.down, n.downBias, n.up, n.upBias)
	}
	return f, nil
}

func (bottleneck) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	f, err := attach(m, config{r.Params.Int("bottleneck_size"), r.Params.String("placement"), r.Params.String("non_linearity")})
	if err != nil {
		return nil, sdk.Fail("params", err.Error(), "")
	}
	std := r.Params.Float("init_std")
	for down := range slices.Chunk(f.Train, 4) {
		data := make([]float32, down[0].Len())
		for i := range data {
			x := r.RNG.NormFloat64()
			for x < -2 || x > 2 {
				x = r.RNG.NormFloat64()
			}
			data[i] = float32(x * std)
		}
		down[0].Set(data)
	}
	return f, nil
}

func (bottleneck) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	var c config
	err := peft.ReadConfig(dir, "BOTTLENECK", peft.Fields{"bottleneck_size": &c.size, "placement": &c.placement, "non_linearity": &c.f})
	if err != nil {
		return nil, err
	}
	f, err := attach(m, c)
	if err != nil {
		return nil, err
	}
	return m, peft.ReadParams(dir, f.All())
}
