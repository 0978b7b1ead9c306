// Command tunelab-plugin-bitfit is BitFit: only biases train.
package main

import (
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() { tune.Serve(bitfit{}) }

// bitfit trains the biases that the model has, and gives linear layers without
// one a bias that starts at zero.
type bitfit struct{}

func (bitfit) Describe() spec.Method {
	return spec.Method{Name: "bitfit", Version: "0.1.0", Family: "peft",
		Summary:  "BitFit: only the biases train; linear layers without one get a bias of zero",
		Citation: "Ben Zaken et al. 2022, BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models, section 3"}
}

const (
	allBiases = "all"
	qAndMLP   = "query+intermediate"
)

func (bitfit) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: 1e-2, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; the paper's range, 1e-4 to 1e-3, is for models of 110 million weights and more", Source: "Ben Zaken et al. 2022, appendix A.2"},
		{Name: "biases", Type: "string", Default: allBiases, Choices: []string{allBiases, qAndMLP}, Description: "which biases train: all, norms' included, or those of the query and of the MLP's first layers alone (with a fused projection: of the whole projection)", Source: "Ben Zaken et al. 2022, section 3"},
	}}
}

// added is a bias where the model has none.
type added struct{ b *autograd.Param }

func (a added) Apply(t *autograd.Tape, _, y *autograd.Var, _ *model.Linear) *autograd.Var {
	return t.AddRow(y, t.Param(a.b))
}

// few are the ends of the modules that qAndMLP names, of both families.
var few = []string{".q_proj", ".c_attn", ".gate_proj", ".up_proj", ".c_fc"}

func attach(m *model.Model, which string) *tune.Folder {
	wanted := func(module string) bool {
		return which == allBiases || slices.ContainsFunc(few, func(end string) bool { return strings.HasSuffix(module, end) })
	}
	f := &tune.Folder{Type: "BITFIT", Fields: peft.Fields{"biases": which}}
	m.Freeze()
	for _, p := range m.Params() {
		module, isBias := strings.CutSuffix(p.Name, ".bias")
		if p.Trainable = isBias && wanted(module); p.Trainable {
			f.Train = append(f.Train, p)
		}
	}
	for _, lin := range m.Linears() {
		if lin.B == nil && wanted(lin.Name) {
			b := autograd.NewParam(m.Engine(), lin.Name+".bias", []int{lin.Out}, nil)
			lin.Adapt = added{b}
			f.Train = append(f.Train, b)
		}
	}
	return f
}

func (bitfit) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	return attach(m, r.Params.String("biases")), nil
}

func (bitfit) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	which := allBiases
	if err := peft.ReadConfig(dir, "BITFIT", peft.Fields{"biases": &which}); err != nil {
		return nil, err
	}
	if which != allBiases && which != qAndMLP {
		return nil, sdk.Fail("biases", "the adapter's configuration says "+which, "it must be "+allBiases+" or "+qAndMLP)
	}
	return m, peft.ReadParams(dir, attach(m, which).All())
}
