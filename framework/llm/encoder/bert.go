package encoder

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
	read: func(f *fields) Config {
		c := f.bertLike()
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
func (f *fields) bertLike() Config {
	f.mustBe("position_embedding_type", "absolute")
	return Config{
		VocabSize:        f.size("vocab_size", 0),
		HiddenSize:       f.size("hidden_size", 0),
		IntermediateSize: f.size("intermediate_size", 0),
		Layers:           f.size("num_hidden_layers", 0),
		Heads:            f.size("num_attention_heads", 0),
		MaxPositions:     f.size("max_position_embeddings", 512),
		TypeVocab:        f.size("type_vocab_size", 2),
		NormEps:          f.num("layer_norm_eps", 1e-12),
		Activation:       f.str("hidden_act", "gelu"),
		TieEmbeddings:    f.flag("tie_word_embeddings", true),
		AttentionBias:    true, MLPBias: true, NormBias: true, HeadBias: true, DecoderBias: true,
		PadPosition:    -1,
		HeadActivation: "gelu",
	}
}
