package checkpoint

// GPT2 is GPT-2 (transformers, configuration_gpt2.py).
const GPT2 = "gpt2"

var gpt2Family = family{
	architecture: "GPT2LMHeadModel", ids: ids{50256, 50256, -1}, activation: "gelu_new", layersField: "n_layer", square: true,
	read: func(f *Fields) Config {
		c := Config{
			VocabSize:     f.Int("vocab_size", 0),
			HiddenSize:    f.Int("n_embd", 0),
			Heads:         f.Int("n_head", 0),
			MaxPositions:  f.Int("n_positions", 1024),
			NormEps:       f.Num("layer_norm_epsilon", 1e-5),
			TieEmbeddings: f.Flag("tie_word_embeddings", true),
			AttentionBias: true,
			MLPBias:       true,
		}
		c.IntermediateSize = f.Int("n_inner", 4*c.HiddenSize)
		c.KVHeads, c.HeadDim = c.Heads, quotient(c.HiddenSize, c.Heads)
		c.Activation = f.Str("activation_function", "gelu_new")
		f.MustBe("scale_attn_weights", true)
		f.MustBe("scale_attn_by_inverse_layer_idx", false)
		return c
	},
	write: func(c Config, m map[string]any) {
		m["n_embd"], m["n_inner"] = c.HiddenSize, c.IntermediateSize
		m["n_layer"], m["n_head"], m["n_positions"] = c.Layers, c.Heads, c.MaxPositions
		m["layer_norm_epsilon"], m["activation_function"] = c.NormEps, c.activation()
	},
}
