package checkpoint

// Gemma2 is Gemma 2 (transformers, configuration_gemma2.py), Gemma3 the text
// model of Gemma 3 (configuration_gemma3.py, Gemma3TextConfig).
const (
	Gemma2 = "gemma2"
	Gemma3 = "gemma3_text"
)

var gemma2Family = family{
	architecture: "Gemma2ForCausalLM", ids: ids{2, 1, 0}, activation: "gelu_pytorch_tanh", rotary: true,
	read: func(f *configFields) Config {
		c := f.gemma(8192)
		c.RopeTheta, c.Rope = f.rope(10000, c.MaxPositions)
		c.AttentionSoftCap = f.optionalNum("attn_logit_softcapping", 50)
		c.LogitSoftCap = f.optionalNum("final_logit_softcapping", 30)
		c.Sliding = f.layerTypes(func(layer int) bool { return layer%2 == 0 })
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
	read: func(f *configFields) Config {
		c := f.gemma(131072)
		f.refuse("attn_logit_softcapping", "transformers does not apply it in Gemma 3; set it to null")
		c.LogitSoftCap = f.optionalNum("final_logit_softcapping", 0)
		every := f.int("sliding_window_pattern", 6)
		if every < 1 {
			f.fail("sliding_window_pattern", "is not positive")
			return c
		}
		c.Sliding = f.layerTypes(func(layer int) bool { return (layer+1)%every != 0 })
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
func (f *configFields) gemma(positions int) Config {
	f.mustBe("use_bidirectional_attention", false)
	c := f.llamaSizes(positions)
	c.KVHeads, c.HeadDim = f.int("num_key_value_heads", 4), f.int("head_dim", 256)
	c.TieEmbeddings = f.flag("tie_word_embeddings", true)
	c.Activation = f.str("hidden_activation", "gelu_pytorch_tanh")
	c.AttentionBias = f.flag("attention_bias", false)
	scalar := f.int("query_pre_attn_scalar", 256)
	if scalar < 1 {
		f.fail("query_pre_attn_scalar", "is not positive")
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
func (f *configFields) gemma3Rope(c *Config) {
	c.RopeTheta, c.LocalTheta = f.num("rope_theta", 1e6), f.num("rope_local_base_freq", 10000)
	if old := f.object("rope_scaling"); len(old.m) > 0 {
		c.Rope = old.scaling(f, c.MaxPositions)
		f.adopt(old)
	}
	byType := f.object("rope_parameters")
	of := func(layers string, theta *float64, rope *Rope) {
		if sub := byType.object(layers); len(sub.m) > 0 {
			sub.wholeHead()
			*theta, *rope = sub.num("rope_theta", *theta), sub.scaling(f, c.MaxPositions)
			byType.adopt(sub)
		}
	}
	of(fullAttention, &c.RopeTheta, &c.Rope)
	of(slidingAttention, &c.LocalTheta, &c.LocalRope)
	f.adopt(byType)
}
