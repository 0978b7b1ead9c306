package tiny

import (
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/ref" // the engine that makes the model
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
)

// Sizes of the models of Model.
const (
	Hidden  = 32
	Inner   = 48
	Layers  = 2
	Heads   = 4
	Context = 48
)

// Model writes a random model of a family (checkpoint.Llama or
// checkpoint.GPT2) with tied embeddings and a byte-level tokenizer trained on
// the tasks of this package to the folder dir, in Hugging Face form. It is the
// same every time. A text begins with <s> and ends with </s>.
func Model(dir, family string) error {
	tok, err := tokenizer.Train(slices.Values(corpus()), tokenizer.TrainOptions{VocabSize: 320, Special: []string{"<pad>", "<s>", "</s>"},
		PAD: "<pad>", BOS: "<s>", EOS: "</s>", AddBOS: true, ContextLength: Context})
	if err != nil {
		return err
	}
	if err := tok.Save(dir); err != nil {
		return err
	}
	e, err := compute.Open("ref", 1)
	if err != nil {
		return err
	}
	cfg := checkpoint.Config{Family: family, VocabSize: tok.VocabSize(), HiddenSize: Hidden, IntermediateSize: Inner, Layers: Layers,
		Heads: Heads, KVHeads: Heads / 2, HeadDim: Hidden / Heads, MaxPositions: Context, NormEps: 1e-5, RopeTheta: 1e4,
		TieEmbeddings: true, InitStd: 0.2, BOS: tok.BOS(), EOS: []int{tok.EOS()}, PAD: tok.PAD()}
	if family == checkpoint.GPT2 {
		cfg.KVHeads, cfg.AttentionBias, cfg.MLPBias = Heads, true, true
	}
	m, err := model.New(cfg, e, spec.Stream(7, spec.StreamInit))
	if err != nil {
		return err
	}
	defer m.Free()
	return m.Save(dir)
}

func corpus() (out []string) {
	for _, d := range []Data{Classification(), Completion(spec.Instruction)} {
		for _, e := range d.Train {
			out = append(out, e.Prompt+d.Task.Delimiter+e.Answer)
		}
	}
	return out
}
