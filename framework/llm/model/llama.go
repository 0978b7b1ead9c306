package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// llama: RMSNorm before each sublayer, rotary positions, SwiGLU (transformers,
// modeling_llama.py). SmolLM3 (modeling_smollm3.py) and Granite
// (modeling_granite.py) have the same modules.
func llama(cfg checkpoint.Config) layout {
	return layout{
		base: "model.", embed: "embed_tokens", blocks: "layers", finalNorm: "norm",
		attn: around{before: "input_layernorm"}, mlp: around{before: "post_attention_layernorm"},
		q: "self_attn.q_proj", k: "self_attn.k_proj", v: "self_attn.v_proj", o: "self_attn.o_proj",
		gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj",
		qkvBias: cfg.AttentionBias, oBias: cfg.AttentionBias, mlpBias: cfg.MLPBias,
		frozenPad:   true,
		bufferNames: []string{".rotary_emb.inv_freq"},
	}
}

// mistral: llama without biases (modeling_mistral.py).
func mistral(checkpoint.Config) layout { return llama(checkpoint.Config{}) }
