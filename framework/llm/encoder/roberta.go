package encoder

import "github.com/tunelab/tunelab/framework/llm/checkpoint"

// RoBERTa (Liu et al. 2019, arXiv:1907.11692; transformers,
// modeling_roberta.py): BERT whose positions begin after that of padding.
const RoBERTa = "roberta"

var robertaFamily = family{
	class: "RobertaModel", mlmClass: "RobertaForMaskedLM", prefix: "roberta.",
	names: bertNames,
	mlm:   lmHead,
	label: denseAndOut("tanh"),
	heads: []string{"classifier.", "qa_outputs."},
	read: func(f *checkpoint.Fields) Config {
		c := bertLike(f)
		if c.PAD = f.Int("pad_token_id", 1); c.PAD < 0 {
			f.Fail("pad_token_id", "%d is not a token, but positions count from it", c.PAD)
		}
		c.PadPosition = c.PAD
		return c
	},
}

// denseAndOut is the label head that RoBERTa's code brought in.
func denseAndOut(activation string) labelNames {
	return labelNames{dense: "classifier.dense", activation: activation, out: "classifier.out_proj"}
}

var lmHead = mlmNames{dense: "lm_head.dense", norm: "lm_head.layer_norm", decoder: "lm_head.decoder", bias: "lm_head.bias"}
