package checkpoint

// Granite is IBM's Granite (transformers, configuration_granite.py): Llama with
// multipliers.
const Granite = "granite"

var graniteFamily = family{
	architecture: "GraniteForCausalLM", ids: ids{1, 2, -1}, activation: "silu", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaLike(2048)
		c.AttentionBias, c.MLPBias = f.Flag("attention_bias", false), f.Flag("mlp_bias", false)
		c.EmbeddingMultiplier, c.ResidualMultiplier = f.positive("embedding_multiplier", 1), f.positive("residual_multiplier", 1)
		c.AttentionMultiplier, c.LogitsDivisor = f.positive("attention_multiplier", 1), f.positive("logits_scaling", 1)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		m["attention_bias"], m["mlp_bias"] = c.AttentionBias, c.MLPBias
		m["embedding_multiplier"], m["residual_multiplier"] = or(c.EmbeddingMultiplier, 1), or(c.ResidualMultiplier, 1)
		m["attention_multiplier"], m["logits_scaling"] = c.AttentionScale(), or(c.LogitsDivisor, 1)
	},
}
