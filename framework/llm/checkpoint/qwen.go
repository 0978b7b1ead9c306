package checkpoint

// Qwen2 is Qwen 2 and 2.5 (transformers, configuration_qwen2.py): biases on q, k
// and v, and layers that may slide. Qwen3 (configuration_qwen3.py) has norms of
// queries and keys in place of the biases.
const (
	Qwen2 = "qwen2"
	Qwen3 = "qwen3"
)

var qwen2Family = family{
	architecture: "Qwen2ForCausalLM", ids: ids{-1, -1, -1}, activation: "silu", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaLike(32768)
		f.qwenWindow(&c)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		writeQwenWindow(c, m)
	},
}

var qwen3Family = family{
	architecture: "Qwen3ForCausalLM", ids: ids{-1, -1, -1}, activation: "silu", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaLike(32768)
		c.HeadDim = f.Int("head_dim", 128)
		c.AttentionBias = f.Flag("attention_bias", false)
		f.qwenWindow(&c)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		writeQwenWindow(c, m)
		m["attention_bias"] = c.AttentionBias
	},
}

// qwenWindow reads the layers that slide: those of layer_types, else those from
// max_window_layers on; none unless use_sliding_window is set.
func (f *Fields) qwenWindow(c *Config) {
	if f.Flag("use_sliding_window", false) {
		c.SlidingWindow = f.optional("sliding_window", 4096)
	}
	from := f.Int("max_window_layers", 28)
	c.Sliding = f.Sliding(f.layers, func(layer int) bool { return c.SlidingWindow > 0 && layer >= from })
	f.needWindow(c)
}

func writeQwenWindow(c Config, m map[string]any) {
	m["use_sliding_window"] = c.SlidingWindow > 0
	m["sliding_window"], m["layer_types"] = optional(c.SlidingWindow), layerTypes(c)
}
