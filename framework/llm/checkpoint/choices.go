package checkpoint

import (
	"fmt"
	"math"
)

// Choices are what families have beyond Config's sizes. The zero value is a
// plain Llama or GPT-2.
type Choices struct {
	// Activation of the MLP as transformers names it: "silu", "gelu",
	// "gelu_new", "gelu_pytorch_tanh", "relu"; "" is the family's own.
	Activation string

	Rope         Rope    // scaling of the rotary frequencies
	RotaryFactor float64 // part of a head's channels that is turned; 0 means 1
	NoRope       []bool  // layers without positions (SmolLM3); nil: none
	LocalTheta   float64 // RopeTheta of sliding layers (Gemma 3); 0: the same
	LocalRope    Rope    // Rope of sliding layers, with LocalTheta

	SlidingWindow int    // keys that a sliding layer sees, the token's own counted; 0: all
	Sliding       []bool // the layers that slide; nil with a SlidingWindow: every layer

	AttentionSoftCap float64 // bound of the scores (Gemma 2); 0: none
	LogitSoftCap     float64 // bound of the logits; 0: none
	QueryScalar      float64 // scores are divided by its root (Gemma); 0: HeadDim

	EmbeddingMultiplier float64 // of what enters the first block (Granite); 0 means 1
	ResidualMultiplier  float64 // of what a sublayer adds (Granite); 0 means 1
	AttentionMultiplier float64 // factor of the scores (Granite); 0: 1/sqrt(HeadDim)
	LogitsDivisor       float64 // of the logits (Granite's logits_scaling); 0 means 1

	Sequential  bool // attention first, then the MLP, where the family runs them side by side (GPT-NeoX)
	QKNorm      bool // norms of queries and keys, where the family leaves it open (Phi)
	PostNorm    bool // norms after the skip connections, not before the sublayers (OPT)
	NoFinalNorm bool // no norm after the last block (OPT)
	EmbedSize   int  // width of the token embedding, projected to HiddenSize and back (OPT); 0: HiddenSize
}

// RotaryDim is the number of a head's channels that rotary positions turn.
func (c Config) RotaryDim() int {
	if c.RotaryFactor == 0 {
		return c.HeadDim
	}
	return int(float64(c.HeadDim) * c.RotaryFactor)
}

// Window is the number of keys that a token sees in a layer, its own counted;
// 0: all before it.
func (c Config) Window(layer int) int {
	if c.Sliding == nil || c.Sliding[layer] {
		return c.SlidingWindow
	}
	return 0
}

// EmbedWidth is the width of the token embedding.
func (c Config) EmbedWidth() int {
	if c.EmbedSize > 0 {
		return c.EmbedSize
	}
	return c.HiddenSize
}

// AttentionScale is the factor of the scores q·k.
func (c Config) AttentionScale() float64 {
	switch {
	case c.AttentionMultiplier > 0:
		return c.AttentionMultiplier
	case c.QueryScalar > 0:
		return 1 / math.Sqrt(c.QueryScalar)
	}
	return 1 / math.Sqrt(float64(c.HeadDim))
}

// Kinds of activation, see Config.ActivationKind.
const (
	SiLU     = "silu"
	GELU     = "gelu"      // by the error function
	GELUTanh = "gelu_tanh" // by GPT-2's formula
	ReLU     = "relu"
)

// activations of transformers (activations.py, ACT2FN) by the function that
// they compute.
var activations = map[string]string{
	"silu": SiLU, "swish": SiLU, "gelu": GELU, "gelu_new": GELUTanh, "gelu_pytorch_tanh": GELUTanh, "relu": ReLU,
}

// ActivationKind is the function that transformers calls by a name: SiLU, GELU,
// GELUTanh or ReLU; "": none of them.
func ActivationKind(name string) string { return activations[name] }

// ActivationKind is the function that Activation, or the family's own, names.
func (c Config) ActivationKind() string { return ActivationKind(c.activation()) }

func (c Config) activation() string {
	if c.Activation == "" {
		return families[c.Family].activation
	}
	return c.Activation
}

func (c Choices) validate(layers int) error {
	switch {
	case c.Activation != "" && activations[c.Activation] == "":
		return fmt.Errorf("hidden_act: %q is not supported; supported are silu, gelu, gelu_new, gelu_pytorch_tanh and relu", c.Activation)
	case c.Sliding != nil && len(c.Sliding) != layers, c.NoRope != nil && len(c.NoRope) != layers:
		return fmt.Errorf("layer_types or no_rope_layers: needs an entry for each of %d layers", layers)
	case c.SlidingWindow < 0:
		return fmt.Errorf("sliding_window: %d is not positive", c.SlidingWindow)
	case c.EmbedSize < 0:
		return fmt.Errorf("word_embed_proj_dim: %d is not positive", c.EmbedSize)
	case c.RotaryFactor < 0 || c.RotaryFactor > 1:
		return fmt.Errorf("partial_rotary_factor: %g is not in (0, 1]", c.RotaryFactor)
	}
	for _, v := range []struct {
		name  string
		value float64
	}{{"attn_logit_softcapping", c.AttentionSoftCap}, {"final_logit_softcapping", c.LogitSoftCap}, {"query_pre_attn_scalar", c.QueryScalar},
		{"logits_scaling", c.LogitsDivisor}, {"rope_local_base_freq", c.LocalTheta}} {
		if !(v.value >= 0) {
			return fmt.Errorf("%s: %g is not positive", v.name, v.value)
		}
	}
	if err := c.Rope.validate(); err != nil {
		return err
	}
	return c.LocalRope.validate()
}
