package checkpoint

// SmolLM3 is SmolLM3 (transformers, configuration_smollm3.py): Llama with
// layers that have no positions.
const SmolLM3 = "smollm3"

var smollm3Family = family{
	architecture: "SmolLM3ForCausalLM", ids: ids{128000, 128001, 128004}, activation: "silu", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaSizes(32768)
		c.KVHeads = f.Int("num_key_value_heads", 4)
		c.TieEmbeddings = f.Flag("tie_word_embeddings", true)
		c.AttentionBias, c.MLPBias = f.Flag("attention_bias", false), f.Flag("mlp_bias", false)
		c.RopeTheta, c.Rope = f.rope(2e6, c.MaxPositions)
		f.withoutRope(&c)
		if f.Flag("use_sliding_window", false) {
			c.SlidingWindow = f.optional("sliding_window", 0)
		}
		c.Sliding = f.Sliding(f.layers, func(layer int) bool { return c.SlidingWindow > 0 && c.NoRope != nil && c.NoRope[layer] })
		f.needWindow(&c)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		m["attention_bias"], m["mlp_bias"] = c.AttentionBias, c.MLPBias
		m["use_sliding_window"] = c.SlidingWindow > 0
		m["sliding_window"], m["layer_types"] = optional(c.SlidingWindow), layerTypes(c)
		rope := make([]int, c.Layers)
		for i := range rope {
			if c.NoRope == nil || !c.NoRope[i] {
				rope[i] = 1
			}
		}
		m["no_rope_layers"] = rope
	},
}

// withoutRope reads no_rope_layers, which says 1 for a layer with positions and
// 0 for one without, or else every no_rope_layer_interval-th layer.
func (f *Fields) withoutRope(c *Config) {
	rope := DecodeField[[]int](f, "no_rope_layers", nil)
	every := f.Int("no_rope_layer_interval", 4)
	switch {
	case rope != nil && len(rope) != f.layers:
		f.Fail("no_rope_layers", "needs an entry for each layer")
		return
	case rope == nil && every < 1:
		f.Fail("no_rope_layer_interval", "is not positive")
		return
	}
	none := make([]bool, f.layers)
	for i := range none {
		if rope != nil {
			none[i] = rope[i] == 0
		} else {
			none[i] = (i+1)%every == 0
		}
	}
	c.NoRope = orNil(none)
}
