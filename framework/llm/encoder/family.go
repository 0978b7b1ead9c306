package encoder

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// family is what sets one family apart from another.
type family struct {
	class, mlmClass string // transformers' classes, bare and with a masked-LM head
	prefix          string // of the encoder's modules in every class but the bare one
	preNorm         bool   // norms before the sublayers, none before the first, one at the end; else after each skip connection
	names           names
	mlm             mlmNames
	label           labelNames
	heads           []string // beginnings of the tensors of other heads
	read            func(f *checkpoint.Fields) Config
}

// names are module paths without the prefix; "" where there is no such module.
type names struct {
	embed, positions, types, embedNorm string
	project                            string // from the embeddings' width to C
	bias                               string // relative position bias
	block                              string // the list of blocks
	q, k, v                            string // in a block, as the following
	fused                              string // q, k and v in one, in place of them
	o, attnNorm, up, down, mlpNorm     string
	gated                              bool // up gives the MLP's two halves, value and gate (Shazeer 2020, arXiv:2002.05202)
	finalNorm, pooler                  string
}

// mlmNames are whole module paths of the masked-LM head: a linear layer, its
// activation and norm, and the output layer.
type mlmNames struct {
	dense, norm, decoder string
	bias                 string // the tensor of the output layer's bias
}

// tensors are all that the head may have in a file.
func (n mlmNames) tensors() []string {
	out := []string{n.dense + ".weight", n.dense + ".bias", n.norm + ".weight", n.norm + ".bias", n.decoder + ".weight", n.decoder + ".bias"}
	if !slices.Contains(out, n.bias) {
		out = append(out, n.bias)
	}
	return out
}

// buffers are ends of stored tensors that are no weights.
var buffers = []string{"embeddings.position_ids", "embeddings.token_type_ids", ".inv_freq"}

var families map[string]family

func init() {
	families = map[string]family{
		BERT: bertFamily, DistilBERT: distilbertFamily, RoBERTa: robertaFamily,
		ELECTRA: electraFamily, MPNet: mpnetFamily, ModernBERT: modernbertFamily,
	}
}

// Families are the supported model types, sorted.
func Families() []string { return slices.Sorted(maps.Keys(families)) }

func unsupported(name string) error {
	return fmt.Errorf("model_type: %q is not a supported encoder; supported are %s", name, strings.Join(Families(), ", "))
}

// activate applies what transformers calls by a name.
func activate(t *autograd.Tape, x *autograd.Var, name string) *autograd.Var {
	return model.Activate(t, x, checkpoint.ActivationKind(name))
}
