package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// olmo2: RMSNorm after each sublayer alone, and over all channels of queries and
// of keys (transformers, modeling_olmo2.py).
func olmo2(cfg checkpoint.Config) layout {
	l := llama(checkpoint.Config{AttentionBias: cfg.AttentionBias})
	l.attn, l.mlp = around{inside: "post_attention_layernorm"}, around{inside: "post_feedforward_layernorm"}
	l.qNorm, l.kNorm = "self_attn.q_norm", "self_attn.k_norm"
	return l
}
