package checkpoint

// OPT is OPT (transformers, configuration_opt.py), also with the projected
// embedding and the norms after the sublayers of the 350M model.
const OPT = "opt"

var optFamily = family{
	architecture: "OPTForCausalLM", ids: ids{2, 2, 1}, activation: "relu", square: true,
	read: func(f *Fields) Config {
		c := Config{
			VocabSize:        f.Int("vocab_size", 0),
			HiddenSize:       f.Int("hidden_size", 0),
			IntermediateSize: f.Int("ffn_dim", 0),
			Heads:            f.Int("num_attention_heads", 0),
			MaxPositions:     f.Int("max_position_embeddings", 2048),
			NormEps:          1e-5, // torch's default, which transformers leaves
			TieEmbeddings:    f.Flag("tie_word_embeddings", true),
			InitStd:          f.Num("init_std", 0.02),
		}
		c.KVHeads, c.HeadDim = c.Heads, quotient(c.HiddenSize, c.Heads)
		c.AttentionBias = f.Flag("enable_bias", true)
		c.MLPBias = c.AttentionBias
		c.Activation = f.Str("activation_function", "relu")
		c.PostNorm = !f.Flag("do_layer_norm_before", true)
		c.NoFinalNorm = c.PostNorm || f.Flag("_remove_final_layer_norm", false)
		if w := f.Int("word_embed_proj_dim", c.HiddenSize); w != c.HiddenSize {
			c.EmbedSize = w
		}
		f.MustBe("layer_norm_elementwise_affine", true)
		return c
	},
	write: func(c Config, m map[string]any) {
		m["hidden_size"], m["ffn_dim"] = c.HiddenSize, c.IntermediateSize
		m["num_hidden_layers"], m["num_attention_heads"] = c.Layers, c.Heads
		m["max_position_embeddings"], m["activation_function"] = c.MaxPositions, c.activation()
		m["enable_bias"], m["word_embed_proj_dim"], m["init_std"] = c.AttentionBias, c.EmbedWidth(), c.InitStd
		m["do_layer_norm_before"], m["_remove_final_layer_norm"] = !c.PostNorm, c.NoFinalNorm && !c.PostNorm
	},
}
