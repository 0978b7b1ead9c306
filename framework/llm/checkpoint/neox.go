package checkpoint

// GPTNeoX is GPT-NeoX and Pythia (transformers, configuration_gpt_neox.py).
const GPTNeoX = "gpt_neox"

var neoxFamily = family{
	architecture: "GPTNeoXForCausalLM", ids: ids{0, 2, -1}, activation: "gelu", rotary: true, square: true,
	read: func(f *Fields) Config {
		c := Config{
			VocabSize:        f.Int("vocab_size", 0),
			HiddenSize:       f.Int("hidden_size", 0),
			IntermediateSize: f.Int("intermediate_size", 0),
			Heads:            f.Int("num_attention_heads", 0),
			MaxPositions:     f.Int("max_position_embeddings", 2048),
			NormEps:          f.Num("layer_norm_eps", 1e-5),
			TieEmbeddings:    f.Flag("tie_word_embeddings", false),
			AttentionBias:    f.Flag("attention_bias", true),
			MLPBias:          true,
		}
		c.KVHeads, c.HeadDim = c.Heads, quotient(c.HiddenSize, c.Heads)
		c.Activation = f.Str("hidden_act", "gelu")
		c.Sequential = !f.Flag("use_parallel_residual", true)
		c.partialRope(f, f.Num("rotary_emb_base", 10000), f.Num("rotary_pct", 0.25))
		return c
	},
	write: func(c Config, m map[string]any) {
		m["hidden_size"], m["intermediate_size"] = c.HiddenSize, c.IntermediateSize
		m["num_hidden_layers"], m["num_attention_heads"] = c.Layers, c.Heads
		m["max_position_embeddings"], m["layer_norm_eps"] = c.MaxPositions, c.NormEps
		m["hidden_act"], m["attention_bias"] = c.activation(), c.AttentionBias
		m["use_parallel_residual"] = !c.Sequential
		m["rotary_emb_base"], m["rotary_pct"] = c.RopeTheta, or(c.RotaryFactor, 1)
		if c.Rope.Type != "" {
			m["rope_scaling"] = c.Rope.fields()
		}
	},
}

// partialRope reads rotary positions of a part of each head; theta and factor
// are the values where the rope object has none.
func (c *Config) partialRope(f *Fields, theta, factor float64) {
	c.RopeTheta, c.RotaryFactor = theta, factor
	if sub, ok := f.ropeObject(); ok {
		c.RopeTheta, c.RotaryFactor = sub.Num("rope_theta", theta), sub.Num("partial_rotary_factor", factor)
		c.Rope = sub.scaling(f, c.MaxPositions)
		f.Adopt(sub)
	}
	if c.RotaryFactor == 1 {
		c.RotaryFactor = 0
	}
}
