package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// gpt2: LayerNorm, learned positions, one layer for q, k and v, weights stored
// [in, out] (transformers, modeling_gpt2.py).
func gpt2(checkpoint.Config) layout {
	return layout{
		base: "transformer.", embed: "wte", positions: "wpe", blocks: "h", finalNorm: "ln_f",
		attn: around{before: "ln_1"}, mlp: around{before: "ln_2"}, norm: layerNorm,
		fused: "attn.c_attn", o: "attn.c_proj", up: "mlp.c_fc", down: "mlp.c_proj",
		qkvBias: true, oBias: true, mlpBias: true,
		transposed:  true,
		bufferNames: []string{".attn.bias", ".attn.masked_bias"},
	}
}
