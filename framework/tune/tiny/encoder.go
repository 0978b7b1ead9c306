package tiny

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/spec"
)

// Encoder writes a random encoder of a family of package encoder (with its
// pooler, if the family has one, and a masked-LM head) and a byte-level tokenizer
// trained on the tasks of this package to the folder dir, in Hugging Face form.
// It is the same every time. A text stands between <s> and </s>.
func Encoder(dir, family string) error {
	tok, err := tokenizer.Train(slices.Values(corpus()), tokenizer.TrainOptions{VocabSize: 320, Special: []string{"<s>", "<pad>", "</s>"},
		PAD: "<pad>", BOS: "<s>", EOS: "</s>", ContextLength: Context})
	if err != nil {
		return err
	}
	if err := tok.Save(dir); err != nil {
		return err
	}
	if err := frame(dir, tok); err != nil {
		return err
	}
	sizes := map[string]any{"hidden_size": Hidden, "intermediate_size": Inner, "num_hidden_layers": Layers, "num_attention_heads": Heads}
	if family == encoder.DistilBERT {
		sizes = map[string]any{"dim": Hidden, "hidden_dim": Inner, "n_layers": Layers, "n_heads": Heads}
	}
	for name, v := range map[string]any{"model_type": family, "vocab_size": tok.VocabSize(), "max_position_embeddings": Context + 2, "pad_token_id": tok.PAD(), "initializer_range": 0.2} {
		sizes[name] = v
	}
	raw, err := json.Marshal(sizes)
	if err != nil {
		return err
	}
	cfg, err := encoder.ParseConfig(raw)
	if err != nil {
		return err
	}
	e, err := compute.Open("ref", 1)
	if err != nil {
		return err
	}
	m, err := encoder.New(cfg, e, spec.Stream(7, spec.StreamInit))
	if err != nil {
		return err
	}
	defer m.Free()
	return m.Save(dir)
}

// frame makes the tokenizer in dir put <s> before and </s> after a text.
func frame(dir string, tok *tokenizer.Tokenizer) error {
	path := filepath.Join(dir, "tokenizer.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	all["post_processor"] = json.RawMessage(fmt.Sprintf(`{"type": "BertProcessing", "cls": ["<s>", %d], "sep": ["</s>", %d]}`, tok.BOS(), tok.EOS()))
	if raw, err = json.Marshal(all); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}
