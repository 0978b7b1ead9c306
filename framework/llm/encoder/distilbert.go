package encoder

// DistilBERT (Sanh et al. 2019, arXiv:1910.01108; transformers,
// modeling_distilbert.py): BERT without token types and pooler.
const DistilBERT = "distilbert"

var distilbertFamily = family{
	class: "DistilBertModel", mlmClass: "DistilBertForMaskedLM", prefix: "distilbert.",
	names: names{
		embed: "embeddings.word_embeddings", positions: "embeddings.position_embeddings", embedNorm: "embeddings.LayerNorm",
		block: "transformer.layer",
		q:     "attention.q_lin", k: "attention.k_lin", v: "attention.v_lin", o: "attention.out_lin",
		attnNorm: "sa_layer_norm", up: "ffn.lin1", down: "ffn.lin2", mlpNorm: "output_layer_norm",
	},
	mlm:   mlmNames{dense: "vocab_transform", norm: "vocab_layer_norm", decoder: "vocab_projector", bias: "vocab_projector.bias"},
	label: labelNames{dense: "pre_classifier", activation: "relu", out: "classifier"},
	heads: []string{"pre_classifier.", "classifier.", "qa_outputs."},
	read: func(f *fields) Config {
		c := Config{
			VocabSize:        f.size("vocab_size", 0),
			HiddenSize:       f.size("dim", 0),
			IntermediateSize: f.size("hidden_dim", 0),
			Layers:           f.size("n_layers", 0),
			Heads:            f.size("n_heads", 0),
			MaxPositions:     f.size("max_position_embeddings", 512),
			NormEps:          1e-12, // fixed in the code
			Activation:       f.str("activation", "gelu"),
			TieEmbeddings:    f.flag("tie_word_embeddings", true),
			AttentionBias:    true, MLPBias: true, NormBias: true, HeadBias: true, DecoderBias: true,
			PadPosition: -1,
		}
		c.HeadActivation = c.Activation
		return c
	},
}
