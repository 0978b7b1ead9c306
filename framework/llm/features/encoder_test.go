package features

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// encoderFolder is the tiny BERT of package encoder with a WordPiece tokenizer:
// [CLS] is 1, [SEP] 2, the letters a to z 4 to 29.
func encoderFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		raw, err := os.ReadFile(filepath.Join("..", "encoder", "testdata", "bert", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	vocab := map[string]int{"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3}
	for i := range 26 {
		vocab[string(rune('a'+i))] = 4 + i
	}
	type object = map[string]any
	special := func(id string, n int) object {
		return object{"id": n, "content": id, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
	}
	raw, err := json.Marshal(object{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "decoder": nil,
		"added_tokens":   []object{special("[PAD]", 0), special("[CLS]", 1), special("[SEP]", 2), special("[UNK]", 3)},
		"pre_tokenizer":  object{"type": "BertPreTokenizer"},
		"post_processor": object{"type": "BertProcessing", "cls": []any{"[CLS]", 1}, "sep": []any{"[SEP]", 2}},
		"model":          object{"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Vectors against the encoder's own hidden states, of a text whole and cut.
func TestFeaturesOfAnEncoder(t *testing.T) {
	dir := encoderFolder(t)
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := encoder.Load(dir, e, encoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for limit, ids := range map[int][][]int{0: {{1, 4, 5, 2}, {1, 29, 3, 6, 7, 2}}, 4: {{1, 4, 5, 2}, {1, 29, 3, 2}}} {
		tape := autograd.NewTape(e, false)
		h := m.HiddenAt(tape, encoder.Pack(ids...), 1).Value()
		tape.Release()
		row := func(i int) []float32 { return h[i*24 : (i+1)*24] }
		second := len(ids[0])
		want := map[string][2][]float32{
			CLS:  {row(0), row(second)},
			Last: {row(second - 1), row(second + len(ids[1]) - 1)},
		}
		for pooling, w := range want {
			x, err := New(Options{Model: dir, Pooling: pooling, Layer: 1, MaxLength: limit})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := x.Rows(context.Background(), []string{"a b", "z é c d"}, nil)
			x.Close()
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range rows {
				if r.Tokens != len(ids[i]) || r.Tokens+r.Cut != []int{4, 6}[i] {
					t.Errorf("text %d: %d tokens, %d cut", i, r.Tokens, r.Cut)
				}
				if !slices.EqualFunc(r.X, w[i], func(a float64, b float32) bool { return a == float64(b) }) {
					t.Errorf("pooling %s, limit %d: text %d has another vector", pooling, limit, i)
				}
			}
		}
	}
}

func TestAFirstTokenOfADecoder(t *testing.T) {
	x, err := New(Options{Model: folder(t), Pooling: CLS})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Rows(context.Background(), texts, nil); err == nil || !strings.Contains(err.Error(), "is a decoder") {
		t.Errorf("got %v", err)
	}
}
