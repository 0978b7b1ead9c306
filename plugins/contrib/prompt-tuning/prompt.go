// Command tunelab-plugin-prompt-tuning is prompt tuning: learned vectors in
// front of the input.
package main

import (
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/tune"
)

func main() { tune.Serve(prompt{}) }

// prompt trains the embeddings of virtual tokens that stand before the input.
type prompt struct{}

func (prompt) Describe() spec.Method {
	return spec.Method{Name: "prompt-tuning", Version: "0.1.0", Family: "peft",
		Summary:  "prompt tuning: embeddings of virtual tokens before the input train; the model stays frozen",
		Citation: "Lester et al. 2021, The Power of Scale for Parameter-Efficient Prompt Tuning, section 2"}
}

// Ways to draw the first embeddings.
const (
	random      = "RANDOM"
	sampleVocab = "SAMPLE_VOCAB"
	fromText    = "TEXT"
)

func (prompt) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "learning_rate", Type: "float", Default: 3e-2, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW; the paper takes 0.3 with Adafactor", Source: "Lester et al. 2021, section 3"},
		{Name: "num_virtual_tokens", Type: "int", Default: 20, Min: spec.At(1), Max: spec.At(100000), Unit: "tokens", Description: "length of the prompt; as many positions are taken off the model's context", Source: "Lester et al. 2021, section 3.2: little gain beyond 20"},
		{Name: "prompt_tuning_init", Type: "string", Default: sampleVocab, Choices: []string{random, sampleVocab, fromText}, Description: "first embeddings: normal with standard deviation 1, those of tokens drawn from the vocabulary, or those of prompt_tuning_init_text", Source: "Lester et al. 2021, section 3.2; PEFT PromptTuningConfig"},
		{Name: "prompt_tuning_init_text", Type: "string", Default: "", Description: "the text of TEXT, repeated or cut to length", Source: "PEFT PromptTuningConfig"},
	}}
}

// attach puts n virtual tokens before the input of a frozen model.
func attach(m *model.Model, n int) (*tune.Folder, error) {
	cfg := m.Config()
	p := autograd.NewParam(m.Engine(), "prompt_embeddings", []int{n, cfg.HiddenSize}, nil)
	m.Freeze()
	err := m.SetPrefix(&model.Prefix{Len: n, Input: func(t *autograd.Tape) *autograd.Var { return t.Param(p) }})
	return &tune.Folder{Type: "PROMPT_TUNING", Train: []*autograd.Param{p}, Fields: peft.Fields{"num_virtual_tokens": n, "token_dim": cfg.HiddenSize,
		"num_layers": cfg.Layers, "num_attention_heads": cfg.Heads, "num_transformer_submodules": 1, "prompt_tuning_init": random}}, err
}

func (prompt) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	n, c := r.Params.Int("num_virtual_tokens"), m.Config().HiddenSize
	f, err := attach(m, n)
	if err != nil {
		return nil, sdk.Fail("params.num_virtual_tokens", err.Error(), "")
	}
	var text []int
	if r.Params.String("prompt_tuning_init") == fromText {
		if text = r.Tok.Encode(r.Params.String("prompt_tuning_init_text"), false); len(text) == 0 {
			return nil, sdk.Fail("params.prompt_tuning_init_text", "it has no tokens", "give the text that the prompt starts from")
		}
	}
	table, first := m.Embedding().Data(), make([]float32, 0, n*c)
	for i := range n {
		switch r.Params.String("prompt_tuning_init") {
		case fromText:
			id := text[i%len(text)]
			first = append(first, table[id*c:(id+1)*c]...)
		case sampleVocab:
			id := r.RNG.IntN(m.Config().VocabSize)
			first = append(first, table[id*c:(id+1)*c]...)
		default:
			for range c {
				first = append(first, float32(r.RNG.NormFloat64())) // as torch's Embedding
			}
		}
	}
	f.Train[0].Set(first)
	return f, nil
}

func load(m *model.Model, dir string) (tune.Attached, error) {
	n := 0
	err := peft.ReadConfig(dir, "PROMPT_TUNING", peft.Fields{"num_virtual_tokens": &n, "num_transformer_submodules": 1, "token_dim": m.Config().HiddenSize,
		"num_layers": m.Config().Layers, "num_attention_heads": m.Config().Heads,
		"prompt_tuning_init": nil, "prompt_tuning_init_text": nil, "tokenizer_name_or_path": nil, "tokenizer_kwargs": nil})
	if err != nil {
		return nil, err
	}
	f, err := attach(m, n)
	if err != nil {
		return nil, err
	}
	return f, peft.ReadParams(dir, f.All())
}

func (prompt) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	_, err := load(m, dir)
	return m, err
}
