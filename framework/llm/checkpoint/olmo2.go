package checkpoint

// OLMo2 is OLMo 2 (transformers, configuration_olmo2.py): norms after the
// sublayers, and of queries and keys over their whole width.
const OLMo2 = "olmo2"

var olmo2Family = family{
	architecture: "Olmo2ForCausalLM", ids: ids{-1, 50279, 1}, activation: "silu", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaLike(2048)
		c.NormEps = f.Num("rms_norm_eps", 1e-5)
		c.AttentionBias = f.Flag("attention_bias", false)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		m["attention_bias"] = c.AttentionBias
	},
}
