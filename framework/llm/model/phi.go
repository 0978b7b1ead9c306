package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// phi: Phi 1 to 2. One LayerNorm for attention and MLP, which run side by side,
// biases everywhere (transformers, modeling_phi.py).
func phi(cfg checkpoint.Config) layout {
	l := layout{
		base: "model.", embed: "embed_tokens", blocks: "layers", finalNorm: "final_layernorm",
		attn: around{before: "input_layernorm"}, norm: layerNorm, parallel: true,
		q: "self_attn.q_proj", k: "self_attn.k_proj", v: "self_attn.v_proj", o: "self_attn.dense",
		up: "mlp.fc1", down: "mlp.fc2",
		qkvBias: true, oBias: true, mlpBias: true, headBias: true,
		frozenPad:   true,
		bufferNames: []string{".rotary_emb.inv_freq"},
	}
	if cfg.QKNorm {
		l.qNorm, l.kNorm, l.normHeads = "self_attn.q_layernorm", "self_attn.k_layernorm", true
	}
	return l
}
