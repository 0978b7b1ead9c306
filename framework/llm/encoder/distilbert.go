package encoder

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

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
	read: func(f *checkpoint.Fields) Config {
		c := Config{
			VocabSize:        f.Int("vocab_size", 0),
			HiddenSize:       f.Int("dim", 0),
			IntermediateSize: f.Int("hidden_dim", 0),
			Layers:           f.Int("n_layers", 0),
			Heads:            f.Int("n_heads", 0),
			MaxPositions:     f.Int("max_position_embeddings", 512),
			NormEps:          1e-12, // fixed in the code
			Activation:       f.Str("activation", "gelu"),
			TieEmbeddings:    f.Flag("tie_word_embeddings", true),
			AttentionBias:    true, MLPBias: true, NormBias: true, HeadBias: true, DecoderBias: true,
			PAD: f.ID("pad_token_id", 0), PadPosition: -1,
		}
		c.HeadActivation = c.Activation
		return c
	},
}
