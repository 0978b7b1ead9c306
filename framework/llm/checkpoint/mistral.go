package checkpoint

// Mistral is Mistral 7B and its successors (transformers,
// configuration_mistral.py): Llama in which every layer may slide.
const Mistral = "mistral"

var mistralFamily = family{
	architecture: "MistralForCausalLM", ids: ids{1, 2, -1}, activation: "silu", rotary: true,
	read: func(f *configFields) Config {
		c := f.llamaLike(131072)
		c.SlidingWindow = f.optional("sliding_window", 4096)
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		m["sliding_window"] = optional(c.SlidingWindow)
	},
}
