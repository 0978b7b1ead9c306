package checkpoint

// Gemma2 is Gemma 2 (transformers, configuration_gemma2.py), Gemma3 the text
// model of Gemma 3 (configuration_gemma3.py, Gemma3TextConfig).
const (
	Gemma2 = "gemma2"
	Gemma3 = "gemma3_text"
)

var gemma2Family = family{
	architecture: "Gemma2ForCausalLM", ids: ids{2, 1, 0}, activation: "gelu_pytorch_tanh", rotary: true,
	read: func(f *Fields) Config {
		c := f.gemma(8192)
		c.RopeTheta, c.Rope = f.rope(10000, c.MaxPositions)
		c.AttentionSoftCap = f.optionalNum("attn_logit_softcapping", 50)
		c.LogitSoftCap = f.optionalNum("final_logit_softcapping", 30)
		c.Sliding = f.Sliding(f.layers, func(layer int) bool { return layer%2 == 0 })
		f.needWindow(&c)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeGemma(c, m)
		m["attn_logit_softcapping"] = optionalNum(c.AttentionSoftCap)
	},
}

var gemma3Family = family{
	architecture: "Gemma3ForCausalLM", ids: ids{2, 1, 0}, activation: "gelu_pytorch_tanh", rotary: true,
	read: func(f *Fields) Config {
		c := f.gemma(131072)
		f.Refuse("attn_logit_softcapping", "transformers does not apply it in Gemma 3; set it to null")
		c.LogitSoftCap = f.optionalNum("final_logit_softcapping", 0)
		every := f.Int("sliding_window_pattern", 6)
		if every < 1 {
			f.Fail("sliding_window_pattern", "is not positive")
			return c
		}
		c.Sliding = f.Sliding(f.layers, func(layer int) bool { return (layer+1)%every != 0 })
		f.needWindow(&c)
		f.gemma3Rope(&c)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeGemma(c, m)
		m["rope_local_base_freq"] = or(c.LocalTheta, c.RopeTheta)
		if c.LocalRope.Type != "" { // which transformers 5 alone has
			full, local := c.Rope.fields(), c.LocalRope.fields()
			full["rope_theta"], local["rope_theta"] = c.RopeTheta, or(c.LocalTheta, c.RopeTheta)
			m["rope_parameters"] = map[string]any{"full_attention": full, "sliding_attention": local}
			delete(m, "rope_scaling")
		}
	},
}

// gemma reads what Gemma 2 and 3 share, all but the rotary positions.
func (f *Fields) gemma(positions int) Config {
	f.MustBe("use_bidirectional_attention", false)
	c := f.llamaSizes(positions)
	c.KVHeads, c.HeadDim = f.Int("num_key_value_heads", 4), f.Int("head_dim", 256)
	c.TieEmbeddings = f.Flag("tie_word_embeddings", true)
	c.Activation = f.Str("hidden_activation", "gelu_pytorch_tanh")
	c.AttentionBias = f.Flag("attention_bias", false)
	scalar := f.Int("query_pre_attn_scalar", 256)
	if scalar < 1 {
		f.Fail("query_pre_attn_scalar", "is not positive")
	}
	c.QueryScalar = float64(scalar)
	c.SlidingWindow = f.optional("sliding_window", 4096)
	return c
}

func writeGemma(c Config, m map[string]any) {
	writeLlamaLike(c, m)
	delete(m, "hidden_act")
	m["hidden_activation"], m["attention_bias"] = c.activation(), c.AttentionBias
	m["query_pre_attn_scalar"] = int(or(c.QueryScalar, float64(c.HeadDim)))
	m["sliding_window"], m["layer_types"] = optional(c.SlidingWindow), layerTypes(c)
	m["final_logit_softcapping"] = optionalNum(c.LogitSoftCap)
}

// gemma3Rope reads the positions of full layers and those of sliding ones:
// rope_theta, rope_scaling and rope_local_base_freq (transformers 4), or
// rope_parameters by layer type (transformers 5).
func (f *Fields) gemma3Rope(c *Config) {
	c.RopeTheta, c.LocalTheta = f.Num("rope_theta", 1e6), f.Num("rope_local_base_freq", 10000)
	if old := f.Object("rope_scaling"); len(old.m) > 0 {
		c.Rope = old.scaling(f, c.MaxPositions)
		f.Adopt(old)
	}
	byType := f.Object("rope_parameters")
	of := func(layers string, theta *float64, rope *Rope) {
		if sub := byType.Object(layers); len(sub.m) > 0 {
			sub.wholeHead()
			*theta, *rope = sub.Num("rope_theta", *theta), sub.scaling(f, c.MaxPositions)
			byType.Adopt(sub)
		}
	}
	of(FullAttention, &c.RopeTheta, &c.Rope)
	of(SlidingAttention, &c.LocalTheta, &c.LocalRope)
	f.Adopt(byType)
}
