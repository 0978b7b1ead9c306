package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// qwen2: llama with biases on q, k and v (transformers, modeling_qwen2.py).
func qwen2(checkpoint.Config) layout {
	l := llama(checkpoint.Config{})
	l.qkvBias = true
	return l
}

// qwen3: llama with norms over the channels of each query and key
// (modeling_qwen3.py).
func qwen3(cfg checkpoint.Config) layout {
	l := llama(checkpoint.Config{AttentionBias: cfg.AttentionBias})
	l.qNorm, l.kNorm, l.normHeads = "self_attn.q_norm", "self_attn.k_norm", true
	return l
}
