package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// opt: LayerNorm before the sublayers or after the skip connections, learned
// positions from row 2 on, an embedding that may have a width of its own
// (transformers, modeling_opt.py).
func opt(cfg checkpoint.Config) layout {
	l := layout{
		base: "model.", embed: "decoder.embed_tokens", positions: "decoder.embed_positions", positionOffset: 2, blocks: "decoder.layers",
		attn: around{before: "self_attn_layer_norm"}, mlp: around{before: "final_layer_norm"}, norm: layerNorm,
		q: "self_attn.q_proj", k: "self_attn.k_proj", v: "self_attn.v_proj", o: "self_attn.out_proj",
		up: "fc1", down: "fc2",
		qkvBias: cfg.AttentionBias, oBias: cfg.AttentionBias, mlpBias: cfg.MLPBias,
		frozenPad: true,
	}
	if cfg.PostNorm {
		l.attn, l.mlp = around{after: l.attn.before}, around{after: l.mlp.before}
	}
	if !cfg.NoFinalNorm {
		l.finalNorm = "decoder.final_layer_norm"
	}
	if cfg.EmbedSize > 0 {
		l.projectIn, l.projectOut = "decoder.project_in", "decoder.project_out"
	}
	return l
}
