package encoder

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// BERT (Devlin et al. 2019, arXiv:1810.04805; transformers, modeling_bert.py),
// and what is built like it, such as MiniLM.
const BERT = "bert"

var bertFamily = family{
	class: "BertModel", mlmClass: "BertForMaskedLM", prefix: "bert.",
	names: bertNames,
	mlm: mlmNames{dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
		decoder: "cls.predictions.decoder", bias: "cls.predictions.bias"},
	label: labelNames{dense: "bert.pooler.dense", activation: "tanh", out: "classifier"},
	heads: []string{"cls.seq_relationship.", "classifier.", "qa_outputs."},
	read: func(f *checkpoint.Fields) Config {
		c := bertLike(f)
		c.HeadActivation = c.Activation
		return c
	},
}

// bertNames are shared by the families that were copied from BERT's code.
var bertNames = names{
	embed: "embeddings.word_embeddings", positions: "embeddings.position_embeddings", types: "embeddings.token_type_embeddings",
	embedNorm: "embeddings.LayerNorm", block: "encoder.layer",
	q: "attention.self.query", k: "attention.self.key", v: "attention.self.value", o: "attention.output.dense",
	attnNorm: "attention.output.LayerNorm", up: "intermediate.dense", down: "output.dense", mlpNorm: "output.LayerNorm",
	pooler: "pooler.dense",
}

// bertLike reads the fields that BERT's config.json shares with its kin. The
// head's activation is gelu, as most of these have it.
func bertLike(f *checkpoint.Fields) Config {
	f.MustBe("position_embedding_type", "absolute")
	return Config{
		VocabSize:        f.Int("vocab_size", 0),
		HiddenSize:       f.Int("hidden_size", 0),
		IntermediateSize: f.Int("intermediate_size", 0),
		Layers:           f.Int("num_hidden_layers", 0),
		Heads:            f.Int("num_attention_heads", 0),
		MaxPositions:     f.Int("max_position_embeddings", 512),
		TypeVocab:        f.Int("type_vocab_size", 2),
		NormEps:          f.Num("layer_norm_eps", 1e-12),
		Activation:       f.Str("hidden_act", "gelu"),
		TieEmbeddings:    f.Flag("tie_word_embeddings", true),
		AttentionBias:    true, MLPBias: true, NormBias: true, HeadBias: true, DecoderBias: true,
		PAD: f.ID("pad_token_id", 0), PadPosition: -1,
		HeadActivation: "gelu",
	}
}
