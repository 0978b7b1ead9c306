package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// neox: GPT-NeoX and Pythia. LayerNorm, one layer whose rows are q, k and v of a
// head after another, attention and MLP side by side (transformers,
// modeling_gpt_neox.py).
func neox(cfg checkpoint.Config) layout {
	return layout{
		base: "gpt_neox.", embed: "embed_in", blocks: "layers", finalNorm: "final_layer_norm",
		attn: around{before: "input_layernorm"}, mlp: around{before: "post_attention_layernorm"}, norm: layerNorm,
		fused: "attention.query_key_value", fusedByHead: true, o: "attention.dense",
		up: "mlp.dense_h_to_4h", down: "mlp.dense_4h_to_h", parallel: !cfg.Sequential,
		qkvBias: cfg.AttentionBias, oBias: cfg.AttentionBias, mlpBias: true,
		storedHead:  "embed_out",
		bufferNames: []string{".rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias"},
	}
}
