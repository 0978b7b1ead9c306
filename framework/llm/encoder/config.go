package encoder

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Config is the architecture of an encoder: what config.json says, in one
// vocabulary for all families.
type Config struct {
	Family           string  // as config.json's model_type: BERT, RoBERTa, ...
	VocabSize        int     // V
	HiddenSize       int     // C
	EmbedSize        int     // E; where it differs from C, a projection follows
	IntermediateSize int     // width of the MLP
	Layers           int     // blocks
	Heads            int     // attention heads, HiddenSize/Heads wide
	MaxPositions     int     // rows of the position table; with rotary positions the longest sequence
	TypeVocab        int     // token types; 0: the family has none
	NormEps          float64 // of the layer norms
	Activation       string  // of the MLP, as transformers names it
	TieEmbeddings    bool    // the output layer of the masked-LM head is the token embedding
	AttentionBias    bool    // biases on q, k, v and o
	MLPBias          bool    // biases in the MLP
	NormBias         bool    // biases of the layer norms
	NF4              bool    // linear layers are stored in 4 bits, as bitsandbytes does

	PAD int // token whose row of the embedding learns nothing (torch's padding_idx); -1: none

	// PadPosition is the token id whose tokens all stand at the position of the
	// same number, while the others count from the next one on, leaving it out
	// (RoBERTa, MPNet), and which learns nothing either; -1: positions count from 0.
	PadPosition int
	// Buckets are the rows of the relative position bias (MPNet); 0: none.
	Buckets int

	Rotary                bool    // rotary positions (ModernBERT); else a table
	GlobalTheta           float64 // base of the rotary frequencies
	LocalTheta            float64 // the same, of local layers
	Local                 []bool  // which layers see a window alone; with rotary positions, one entry a layer
	LocalDistance         int     // how far a token of a local layer sees to either side, in tokens
	HeadActivation        string  // of the masked-LM head
	HeadBias, DecoderBias bool    // biases of its two linear layers
	LabelPooling          string  // what the label head sees: CLS or Mean
	InitStd               float64 // initializer_range: standard deviation of new weights
	raw                   []byte  // the config.json
}

// HeadDim is the width of an attention head.
func (c Config) HeadDim() int { return c.HiddenSize / c.Heads }

// ReadConfig reads and checks dir/config.json.
func ReadConfig(dir string) (Config, error) {
	return checkpoint.ReadConfigOf(dir, ParseConfig)
}

// ParseConfig reads the text of a config.json as transformers 4 or 5 writes it.
// A field that would change the computation in a way this package does not know
// is refused by name. Dropout is not: there is none.
func ParseConfig(raw []byte) (Config, error) {
	f, err := checkpoint.ParseFields(raw)
	if err != nil {
		return Config{}, err
	}
	name := f.Str("model_type", "")
	if err := f.Err(); err != nil {
		return Config{}, err
	}
	family, ok := families[name]
	if !ok {
		return Config{}, unsupported(name)
	}
	f.Refuse("is_decoder", "a decoder of this family is not an encoder")
	f.Refuse("add_cross_attention", "load a model of the encoder alone")
	f.Refuse("is_encoder_decoder", "load a model of the encoder alone")
	f.Refuse("pruned_heads", "load the whole model")
	nf4 := f.NF4()
	c := family.read(f)
	c.Family, c.raw, c.NF4, c.InitStd = name, raw, nf4, f.Num("initializer_range", 0.02)
	if c.LabelPooling == "" {
		c.LabelPooling = CLS
	}
	if c.EmbedSize == 0 {
		c.EmbedSize = c.HiddenSize
	}
	if err := f.Err(); err != nil {
		return c, err
	}
	return c, c.validate()
}

func (c Config) validate() error {
	for _, d := range []struct {
		name string
		v    int
	}{{"vocab_size", c.VocabSize}, {"hidden_size", c.HiddenSize}, {"embedding_size", c.EmbedSize}, {"intermediate_size", c.IntermediateSize},
		{"num_hidden_layers", c.Layers}, {"num_attention_heads", c.Heads}, {"max_position_embeddings", c.ContextLength()}} {
		if d.v <= 0 {
			return fmt.Errorf("%s: is missing or too small (%d)", d.name, d.v)
		}
	}
	switch {
	case c.Layers > checkpoint.MaxLayers:
		return fmt.Errorf("num_hidden_layers: %d is more than the %d that are supported", c.Layers, checkpoint.MaxLayers)
	case c.HiddenSize%c.Heads != 0:
		return fmt.Errorf("num_attention_heads: %d does not divide hidden_size %d", c.Heads, c.HiddenSize)
	case c.Rotary && c.HeadDim()%2 != 0:
		return fmt.Errorf("num_attention_heads: a head is %d wide; rotary positions need an even width", c.HeadDim())
	case c.Rotary && !(c.GlobalTheta > 0 && c.LocalTheta > 0):
		return fmt.Errorf("rope_theta: %g and %g must be positive", c.GlobalTheta, c.LocalTheta)
	case !(c.NormEps > 0):
		return fmt.Errorf("layer_norm_eps: %g is not positive", c.NormEps)
	case !(c.InitStd > 0):
		return fmt.Errorf("initializer_range: %g is not positive", c.InitStd)
	case c.LabelPooling != CLS && c.LabelPooling != Mean:
		return fmt.Errorf("classifier_pooling: %q is not supported; supported are %s and %s", c.LabelPooling, CLS, Mean)
	case c.TypeVocab < 0:
		return fmt.Errorf("type_vocab_size: %d is negative", c.TypeVocab)
	}
	for _, name := range []string{c.Activation, c.HeadActivation} {
		if checkpoint.ActivationKind(name) == "" {
			return fmt.Errorf("hidden_act: %q is not supported; supported are gelu, gelu_new, gelu_pytorch_tanh, relu, silu and swish", name)
		}
	}
	return nil
}

// ContextLength is the longest sequence, in tokens.
func (c Config) ContextLength() int {
	if c.PadPosition >= 0 {
		return c.MaxPositions - c.PadPosition - 1
	}
	return c.MaxPositions
}
