package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// layout is what sets one family apart from another: the names of its weights,
// which are those of transformers' modules, and the choices of its decoder. ""
// means that the family has no such weight.
type layout struct {
	base           string // before every name but the output layer's (base_model_prefix)
	embed          string // token embedding
	positions      string // learned position embedding; "": rotary
	positionOffset int    // rows of it before position 0
	projectIn      string // from the embedding's width to the hidden size
	projectOut     string // and back, before the output layer
	blocks         string // list of decoder blocks
	finalNorm      string

	// Names within a block.
	attn, mlp    around // norms
	fused        string // one layer for q, k and v; else q, k, v
	fusedByHead  bool   // its rows are q, k and v of a head, then of the next; else all q, all k, all v
	q, k, v, o   string
	qNorm, kNorm string
	gate         string // "": an MLP of two layers; else a gated one (Shazeer 2020, section 2)
	up, down     string

	norm       normKind
	normHeads  bool // q and k norms are over a head's channels; else over all
	parallel   bool // attention and MLP both read the block's input; else the MLP reads attention's result
	transposed bool // linear weights are stored [in, out] (transformers' Conv1D)

	qkvBias, oBias, mlpBias, headBias bool

	frozenPad   bool     // the padding token's embedding does not learn (torch's padding_idx)
	scaleTokens bool     // token embeddings are multiplied by sqrt(C)
	storedHead  string   // name of the output layer in stored files; "": lm_head
	bufferNames []string // endings of stored tensors that are not weights
}

// around are the norms of a sublayer f: after(x + inside(f(before(x)))).
type around struct{ before, inside, after string }

type normKind int

const (
	rmsNorm        normKind = iota // x/rms(x) g
	rmsNormPlusOne                 // x/rms(x) (1 + g)
	layerNorm                      // with a bias (Ba et al. 2016)
)

// layouts has the recipe of each family, in the file of its name.
var layouts = map[string]func(checkpoint.Config) layout{
	checkpoint.Llama:   llama,
	checkpoint.GPT2:    gpt2,
	checkpoint.Mistral: mistral,
	checkpoint.Qwen2:   qwen2,
	checkpoint.Qwen3:   qwen3,
	checkpoint.Gemma2:  gemma2,
	checkpoint.Gemma3:  gemma3,
	checkpoint.GPTNeoX: neox,
	checkpoint.Phi:     phi,
	checkpoint.OPT:     opt,
	checkpoint.SmolLM3: llama, // what its layers lack is in Config
	checkpoint.OLMo2:   olmo2,
	checkpoint.Granite: llama, // its multipliers are in Config
}
