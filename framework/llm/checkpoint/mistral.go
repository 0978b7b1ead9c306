package checkpoint

import "slices"

// Mistral is Mistral 7B and its successors (transformers,
// configuration_mistral.py): Llama in which every layer may slide.
const Mistral = "mistral"

var mistralFamily = family{
	architecture: "MistralForCausalLM", ids: ids{1, 2, -1}, activation: "silu", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaLike(131072)
		c.SlidingWindow = f.optional("sliding_window", 4096)
		slides := f.Sliding(f.layers, func(int) bool { return c.SlidingWindow > 0 })
		if slices.Contains(slides, c.SlidingWindow == 0) {
			f.Fail("layer_types", "is not supported in this family, in which sliding_window counts for every layer or for none")
		}
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		m["sliding_window"] = optional(c.SlidingWindow)
	},
}
