package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Model families, as config.json's model_type names them.
const (
	Llama = "llama"
	GPT2  = "gpt2"
)

// Config is the architecture of a decoder: what config.json says, in one
// vocabulary for both families.
type Config struct {
	Family           string  // Llama or GPT2
	VocabSize        int     // V
	HiddenSize       int     // C
	IntermediateSize int     // width of the MLP
	Layers           int     // decoder blocks
	Heads            int     // query heads
	KVHeads          int     // key and value heads; equals Heads without grouping
	HeadDim          int     // width of a head
	MaxPositions     int     // context length, tokens
	NormEps          float64 // of RMSNorm (Llama) or LayerNorm (GPT-2)
	RopeTheta        float64 // base of the rotary frequencies; Llama only
	TieEmbeddings    bool    // the output layer is the token embedding
	AttentionBias    bool    // biases on q, k, v and o (GPT-2: always)
	MLPBias          bool    // biases in the MLP (GPT-2: always)
	InitStd          float64 // standard deviation of new weights; default 0.02

	BOS int   // -1: none
	EOS []int // empty: none
	PAD int   // -1: none
}

// ReadConfig reads and checks dir/config.json.
func ReadConfig(dir string) (Config, error) {
	path := filepath.Join(dir, ConfigFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, fmt.Errorf("%s: is missing; give a Hugging Face model folder: %w", path, err)
	} else if err != nil {
		return Config{}, err
	}
	c, err := ParseConfig(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads the text of a config.json. A field that would change the
// computation in a way this package does not know is refused by name.
func ParseConfig(raw []byte) (Config, error) {
	f := configFields{}
	if err := json.Unmarshal(raw, &f.m); err != nil {
		return Config{}, fmt.Errorf("not valid JSON: %w", err)
	}
	var c Config
	switch family := f.str("model_type", ""); family {
	case Llama:
		c = f.llama()
	case GPT2:
		c = f.gpt2()
	default:
		return c, fmt.Errorf("model_type: %q is not supported; supported are %q and %q", family, Llama, GPT2)
	}
	f.refuse("quantization_config", "load the unquantised model")
	c.BOS, c.PAD, c.EOS = f.id("bos_token_id"), f.id("pad_token_id"), f.ids("eos_token_id")
	c.InitStd = f.num("initializer_range", 0.02)
	if f.err != nil {
		return c, f.err
	}
	return c, c.Validate()
}

func (f *configFields) llama() Config {
	c := Config{
		Family:           Llama,
		VocabSize:        f.int("vocab_size", 0),
		HiddenSize:       f.int("hidden_size", 0),
		IntermediateSize: f.int("intermediate_size", 0),
		Layers:           f.int("num_hidden_layers", 0),
		Heads:            f.int("num_attention_heads", 0),
		MaxPositions:     f.int("max_position_embeddings", 2048),
		NormEps:          f.num("rms_norm_eps", 1e-6),
		TieEmbeddings:    f.flag("tie_word_embeddings", false),
		AttentionBias:    f.flag("attention_bias", false),
		MLPBias:          f.flag("mlp_bias", false),
	}
	c.KVHeads = f.int("num_key_value_heads", c.Heads)
	c.HeadDim = f.int("head_dim", quotient(c.HiddenSize, c.Heads))
	c.RopeTheta = f.rope()
	f.only("hidden_act", "silu", "silu")
	return c
}

func (f *configFields) gpt2() Config {
	c := Config{
		Family:        GPT2,
		VocabSize:     f.int("vocab_size", 0),
		HiddenSize:    f.int("n_embd", 0),
		Layers:        f.int("n_layer", 0),
		Heads:         f.int("n_head", 0),
		MaxPositions:  f.int("n_positions", 1024),
		NormEps:       f.num("layer_norm_epsilon", 1e-5),
		TieEmbeddings: f.flag("tie_word_embeddings", true),
		AttentionBias: true,
		MLPBias:       true,
	}
	c.IntermediateSize = f.int("n_inner", 4*c.HiddenSize)
	c.KVHeads, c.HeadDim = c.Heads, quotient(c.HiddenSize, c.Heads)
	f.only("activation_function", "gelu_new", "gelu_new")
	f.mustBe("scale_attn_weights", true)
	f.mustBe("scale_attn_by_inverse_layer_idx", false)
	f.mustBe("add_cross_attention", false)
	return c
}

// rope reads the base of the rotary frequencies from rope_theta (transformers
// 4) or rope_parameters (transformers 5) and refuses scaled variants.
func (f *configFields) rope() float64 {
	theta := f.num("rope_theta", 10000)
	for _, name := range []string{"rope_parameters", "rope_scaling"} {
		raw, ok := f.get(name)
		if !ok {
			continue
		}
		sub := configFields{prefix: name + "."}
		if err := json.Unmarshal(raw, &sub.m); err != nil {
			f.fail(name, "must be an object: "+err.Error())
			return theta
		}
		sub.only("type", "default", "default")
		sub.only("rope_type", "default", "default")
		theta = sub.num("rope_theta", theta)
		if p := sub.num("partial_rotary_factor", 1); p != 1 {
			sub.fail("partial_rotary_factor", fmt.Sprintf("%g is not supported; only 1 is", p))
		}
		if sub.err != nil && f.err == nil {
			f.err = sub.err
		}
	}
	return theta
}

// Validate checks that the sizes fit together.
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
	switch {
	case c.Family != Llama && c.Family != GPT2:
		return fmt.Errorf("model_type: %q is not supported; supported are %q and %q", c.Family, Llama, GPT2)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("num_key_value_heads: %d does not divide num_attention_heads %d", c.KVHeads, c.Heads)
	case c.Family == GPT2 && (c.HiddenSize != c.Heads*c.HeadDim || c.KVHeads != c.Heads):
		return fmt.Errorf("n_head: %d does not divide n_embd %d", c.Heads, c.HiddenSize)
	case c.Family == Llama && c.HeadDim%2 != 0:
		return fmt.Errorf("head_dim: %d is odd; rotary positions need an even width", c.HeadDim)
	case !(c.NormEps > 0):
		return fmt.Errorf("rms_norm_eps or layer_norm_epsilon: %g is not positive", c.NormEps)
	case c.Family == Llama && !(c.RopeTheta > 0):
		return fmt.Errorf("rope_theta: %g is not positive", c.RopeTheta)
	}
	return nil
}

// WriteConfig writes dir/config.json in the form transformers 4 and 5 read.
func WriteConfig(dir string, c Config) error {
	m := map[string]any{
		"model_type":          c.Family,
		"vocab_size":          c.VocabSize,
		"tie_word_embeddings": c.TieEmbeddings,
		"torch_dtype":         "float32",
		"initializer_range":   c.InitStd,
	}
	if c.Family == Llama {
		m["architectures"] = []string{"LlamaForCausalLM"}
		m["hidden_size"], m["intermediate_size"] = c.HiddenSize, c.IntermediateSize
		m["num_hidden_layers"], m["num_attention_heads"] = c.Layers, c.Heads
		m["num_key_value_heads"], m["head_dim"] = c.KVHeads, c.HeadDim
		m["max_position_embeddings"], m["rms_norm_eps"] = c.MaxPositions, c.NormEps
		m["rope_theta"], m["hidden_act"] = c.RopeTheta, "silu"
		m["attention_bias"], m["mlp_bias"] = c.AttentionBias, c.MLPBias
	} else {
		m["architectures"] = []string{"GPT2LMHeadModel"}
		m["n_embd"], m["n_inner"] = c.HiddenSize, c.IntermediateSize
		m["n_layer"], m["n_head"], m["n_positions"] = c.Layers, c.Heads, c.MaxPositions
		m["layer_norm_epsilon"], m["activation_function"] = c.NormEps, "gelu_new"
	}
	if c.BOS >= 0 {
		m["bos_token_id"] = c.BOS
	}
	if c.PAD >= 0 {
		m["pad_token_id"] = c.PAD
	}
	switch len(c.EOS) {
	case 0:
	case 1:
		m["eos_token_id"] = c.EOS[0]
	default:
		m["eos_token_id"] = c.EOS
	}
	raw, err := json.MarshalIndent(m, "", "  ") // keys in sorted order
	if err != nil {
		return err
	}
	return WriteAtomic(filepath.Join(dir, ConfigFile), func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
}
