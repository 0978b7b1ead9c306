package checkpoint

// Llama is Llama 1 to 3 and what is built like it, such as TinyLlama and SmolLM
// (transformers, configuration_llama.py).
const Llama = "llama"

var llamaFamily = family{
	architecture: "LlamaForCausalLM", ids: ids{1, 2, -1}, activation: "silu", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaLike(2048)
		c.AttentionBias, c.MLPBias = f.Flag("attention_bias", false), f.Flag("mlp_bias", false)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		m["attention_bias"], m["mlp_bias"] = c.AttentionBias, c.MLPBias
	},
}

// llamaLike reads the fields that Llama's config.json has and most families
// share; positions is the family's default of max_position_embeddings.
func (f *Fields) llamaLike(positions int) Config {
	c := f.llamaSizes(positions)
	c.RopeTheta, c.Rope = f.rope(10000, c.MaxPositions)
	return c
}

// llamaSizes is llamaLike without the rotary positions.
func (f *Fields) llamaSizes(positions int) Config {
	c := Config{
		VocabSize:        f.Int("vocab_size", 0),
		HiddenSize:       f.Int("hidden_size", 0),
		IntermediateSize: f.Int("intermediate_size", 0),
		Heads:            f.Int("num_attention_heads", 0),
		MaxPositions:     f.Int("max_position_embeddings", positions),
		NormEps:          f.Num("rms_norm_eps", 1e-6),
		TieEmbeddings:    f.Flag("tie_word_embeddings", false),
	}
	c.KVHeads = f.Int("num_key_value_heads", c.Heads)
	c.HeadDim = f.Int("head_dim", quotient(c.HiddenSize, c.Heads))
	c.Activation = f.Str("hidden_act", "silu")
	return c
}

func writeLlamaLike(c Config, m map[string]any) {
	m["hidden_size"], m["intermediate_size"] = c.HiddenSize, c.IntermediateSize
	m["num_hidden_layers"], m["num_attention_heads"] = c.Layers, c.Heads
	m["num_key_value_heads"], m["head_dim"] = c.KVHeads, c.HeadDim
	m["max_position_embeddings"], m["rms_norm_eps"] = c.MaxPositions, c.NormEps
	m["rope_theta"], m["hidden_act"] = c.RopeTheta, c.activation()
	if c.Rope.Type != "" {
		m["rope_scaling"] = c.Rope.fields()
	}
}
