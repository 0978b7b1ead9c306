package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Config is the architecture of a decoder: what config.json says, in one
// vocabulary for all families.
type Config struct {
	Family           string  // as config.json's model_type: Llama, GPT2, ...
	VocabSize        int     // V
	HiddenSize       int     // C
	IntermediateSize int     // width of the MLP
	Layers           int     // decoder blocks
	Heads            int     // query heads
	KVHeads          int     // key and value heads; equals Heads without grouping
	HeadDim          int     // width of a head
	MaxPositions     int     // context length, tokens
	NormEps          float64 // of RMSNorm or LayerNorm
	RopeTheta        float64 // base of the rotary frequencies; 0 in families with learned positions
	TieEmbeddings    bool    // the output layer is the token embedding
	AttentionBias    bool    // biases on q, k, v and o, where the family leaves it open (GPT-2: always)
	MLPBias          bool    // biases in the MLP, where the family leaves it open (GPT-2: always)
	NF4              bool    // the linear layers of the blocks are stored in 4 bits, as bitsandbytes does
	InitStd          float64 // standard deviation of new weights; default 0.02

	BOS int   // -1: none
	EOS []int // empty: none
	PAD int   // -1: none

	// Labels are those of a classifier, by id; nil: a language model. A classifier
	// has a label head (Classifier) in place of the output layer.
	Labels []string

	// StopIDs are the end tokens of generation_config.json, which count in place
	// of EOS when a text is generated; nil: it names none.
	StopIDs []int

	Choices // what some families have beyond that
}

// ReadConfig reads and checks dir/config.json.
func ReadConfig(dir string) (Config, error) {
	c, err := ReadConfigOf(dir, ParseConfig)
	if err != nil {
		return Config{}, err
	}
	c.StopIDs, err = readGeneration(dir)
	return c, err
}

// ReadConfigOf reads dir/config.json by another's ParseConfig, whose errors it
// gives the path.
func ReadConfigOf[C any](dir string, parse func(raw []byte) (C, error)) (c C, err error) {
	path := filepath.Join(dir, ConfigFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, fmt.Errorf("%s: is missing; give a Hugging Face model folder: %w", path, err)
	} else if err != nil {
		return c, err
	}
	if c, err = parse(raw); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads the text of a config.json, as transformers 4 or 5 writes
// it. A field that would change the computation in a way this package does not
// know is refused by name.
func ParseConfig(raw []byte) (Config, error) {
	f, err := ParseFields(raw)
	if err != nil {
		return Config{}, err
	}
	name := f.Str("model_type", "")
	if f.err != nil {
		return Config{}, f.err
	}
	family, ok := families[name]
	if !ok {
		return Config{}, unsupported(name)
	}
	if err := family.checkClasses(f); err != nil {
		return Config{}, err
	}
	nf4 := f.NF4()
	f.MustBe("is_encoder_decoder", false)
	f.MustBe("is_causal", true)
	f.MustBe("add_cross_attention", false)
	f.layers = f.Int(family.layers(), 0)
	if f.layers > MaxLayers {
		f.Fail(family.layers(), "%d is more than the %d that are supported", f.layers, MaxLayers)
	}
	if f.err != nil {
		return Config{}, f.err
	}
	c := family.read(f)
	c.Family, c.Layers, c.NF4, c.Labels = name, f.layers, nf4, f.labels()
	c.BOS, c.PAD, c.EOS = f.ID("bos_token_id", family.ids.bos), f.ID("pad_token_id", family.ids.pad), f.ids("eos_token_id", family.ids.eos)
	if c.InitStd == 0 {
		c.InitStd = f.Num("initializer_range", 0.02)
	}
	if f.err != nil {
		return c, f.err
	}
	return c, c.Validate()
}

// MaxLayers bounds what a small file can make the program allocate.
const MaxLayers = 4096

// Validate checks that the sizes fit together and that the choices are known.
func (c Config) Validate() error {
	for _, d := range []struct {
		name string
		v    int
	}{{"vocab_size", c.VocabSize}, {"hidden_size", c.HiddenSize}, {"intermediate_size", c.IntermediateSize},
		{"num_hidden_layers", c.Layers}, {"num_attention_heads", c.Heads}, {"num_key_value_heads", c.KVHeads},
		{"head_dim", c.HeadDim}, {"max_position_embeddings", c.MaxPositions}} {
		if d.v <= 0 {
			return fmt.Errorf("%s: is missing or not positive (%d)", d.name, d.v)
		}
	}
	family, ok := families[c.Family]
	switch {
	case !ok:
		return unsupported(c.Family)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("num_key_value_heads: %d does not divide num_attention_heads %d", c.KVHeads, c.Heads)
	case family.square && (c.HiddenSize != c.Heads*c.HeadDim || c.KVHeads != c.Heads):
		return fmt.Errorf("num_attention_heads: %d does not divide hidden_size %d", c.Heads, c.HiddenSize)
	case !(c.NormEps > 0):
		return fmt.Errorf("rms_norm_eps or layer_norm_eps: %g is not positive", c.NormEps)
	case family.rotary && !(c.RopeTheta > 0):
		return fmt.Errorf("rope_theta: %g is not positive", c.RopeTheta)
	case family.rotary && (c.RotaryDim() < 2 || c.RotaryDim()%2 != 0):
		return fmt.Errorf("head_dim: %d channels of %d are turned; rotary positions need an even number", c.RotaryDim(), c.HeadDim)
	}
	return c.Choices.validate(c.Layers)
}
