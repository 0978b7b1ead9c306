package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// gemma2: norms with a gain of 1 + g before and after each sublayer, embeddings
// times sqrt(C) (transformers, modeling_gemma2.py). Windows and caps are in
// Config.
func gemma2(cfg checkpoint.Config) layout {
	l := llama(checkpoint.Config{AttentionBias: cfg.AttentionBias})
	l.norm, l.scaleTokens = rmsNormPlusOne, true
	l.attn.inside = "post_attention_layernorm"
	l.mlp = around{before: "pre_feedforward_layernorm", inside: "post_feedforward_layernorm"}
	return l
}

// gemma3: gemma2 with norms over the channels of each query and key
// (modeling_gemma3.py, Gemma3TextModel).
func gemma3(cfg checkpoint.Config) layout {
	l := gemma2(cfg)
	l.qNorm, l.kNorm, l.normHeads = "self_attn.q_norm", "self_attn.k_norm", true
	return l
}
