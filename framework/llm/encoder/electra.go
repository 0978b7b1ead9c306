package encoder

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// ELECTRA (Clark et al. 2020, arXiv:2003.10555; transformers,
// modeling_electra.py): BERT with narrower embeddings, generator or
// discriminator. The generator's head predicts tokens; the discriminator's is
// left out.
const ELECTRA = "electra"

var electraFamily = family{
	class: "ElectraModel", mlmClass: "ElectraForMaskedLM", prefix: "electra.",
	names: electraNames(),
	mlm: mlmNames{dense: "generator_predictions.dense", norm: "generator_predictions.LayerNorm",
		decoder: "generator_lm_head", bias: "generator_lm_head.bias"},
	label: denseAndOut("gelu"), // whatever hidden_act is
	heads: []string{"discriminator_predictions.", "sequence_summary.", "classifier.", "qa_outputs."},
	read: func(f *checkpoint.Fields) Config {
		c := bertLike(f)
		c.EmbedSize = f.Int("embedding_size", 128)
		return c
	},
}

func electraNames() names {
	n := bertNames
	n.project, n.pooler = "embeddings_project", ""
	return n
}
