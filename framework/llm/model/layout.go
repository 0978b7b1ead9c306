package model

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// layout is what sets one family apart from another.
type layout struct {
	prefix      string // of every module but the output layer
	embed       string // token embedding
	positions   string // learned position embedding; "": rotary
	block       string // list of decoder blocks
	attnNorm    string
	mlpNorm     string
	finalNorm   string
	layerNorm   bool // LayerNorm with bias (Ba et al. 2016); else RMSNorm
	fused       string
	q, k, v, o  string
	gate        string // "": an MLP of two layers with GELU; else SwiGLU (Shazeer 2020, section 2)
	up, down    string
	transposed  bool     // linear weights are stored [in, out] (transformers' Conv1D)
	bufferNames []string // endings of stored tensors that are not weights
}

// layouts of transformers' modeling_llama.py and modeling_gpt2.py.
var layouts = map[string]layout{
	checkpoint.Llama: {
		prefix: "model.", embed: "embed_tokens", block: "layers",
		attnNorm: "input_layernorm", mlpNorm: "post_attention_layernorm", finalNorm: "norm",
		q: "self_attn.q_proj", k: "self_attn.k_proj", v: "self_attn.v_proj", o: "self_attn.o_proj",
		gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj",
		bufferNames: []string{".rotary_emb.inv_freq"},
	},
	checkpoint.GPT2: {
		prefix: "transformer.", embed: "wte", positions: "wpe", block: "h",
		attnNorm: "ln_1", mlpNorm: "ln_2", finalNorm: "ln_f", layerNorm: true,
		fused: "attn.c_attn", o: "attn.c_proj", up: "mlp.c_fc", down: "mlp.c_proj",
		transposed:  true,
		bufferNames: []string{".attn.bias", ".attn.masked_bias"},
	},
}
