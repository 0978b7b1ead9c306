package encoder

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// sentenceFolder is a folder of sentence-transformers around a fixture; files
// are written beside it or in place of its own.
func sentenceFolder(t *testing.T, sub string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{
		"modules.json": `[{"idx":0,"name":"0","path":"` + sub + `","type":"sentence_transformers.models.Transformer"},` +
			`{"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},` +
			`{"idx":2,"name":"2","path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]`,
		filepath.Join(sub, sentenceFile): `{"max_seq_length":30,"do_lower_case":true}`,
		"1_Pooling/config.json":          `{"word_embedding_dimension":24,"pooling_mode_cls_token":false,"pooling_mode_mean_tokens":true}`,
	}
	for _, name := range []string{checkpoint.ConfigFile, checkpoint.WeightsFile} {
		raw, err := os.ReadFile(filepath.Join("testdata", BERT, name))
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Join(sub, name)] = string(raw)
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Pooling by hand, from transformers' hidden states.
func TestEmbed(t *testing.T) {
	_, x := load(t, BERT, "ref")
	last, c := x.tensors["hidden.2"], 24
	want := map[string][][]float32{}
	for at, i := 0, 0; i < len(x.Seqs); i++ {
		n := len(x.Seqs[i])
		mean, size := make([]float32, c), 0.0
		for j := range mean {
			sum := 0.0
			for k := range n {
				sum += float64(last[(at+k)*c+j])
			}
			mean[j] = float32(sum / float64(n))
			size += float64(mean[j]) * float64(mean[j])
		}
		unit := make([]float32, c)
		for j := range unit {
			unit[j] = mean[j] / float32(math.Sqrt(size))
		}
		want[None] = append(want[None], last[at*c:(at+n)*c])
		want[CLS] = append(want[CLS], last[at*c:at*c+c])
		want[Mean], want[""] = append(want[Mean], mean), append(want[""], unit)
		at += n
	}
	for _, sub := range []string{"", "0_Transformer"} {
		dir := sentenceFolder(t, sub, nil)
		for pooling, rows := range want {
			from := dir
			if pooling != "" {
				from = filepath.Join(dir, sub)
			}
			got, err := Embed(context.Background(), from, x.Seqs, EmbedOptions{Pooling: pooling, Types: x.Types, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				g := got[i].Vector
				if pooling == None {
					g = slices.Concat(got[i].Hidden...)
				}
				near(t, "pooling "+pooling, g, rows[i], 1e-5)
			}
		}
	}
}

func TestEmbedErrors(t *testing.T) {
	dir := filepath.Join("testdata", BERT)
	for _, c := range []struct {
		want string
		ids  [][]int
		o    EmbedOptions
	}{
		{"none of none, cls and mean", [][]int{{1}}, EmbedOptions{Pooling: "max"}},
		{"modules.json", [][]int{{1}}, EmbedOptions{}},
		{"sequence 2: token 1 has the id 48", [][]int{{1}, {48}}, EmbedOptions{Pooling: Mean}},
		{"sequence 1: has 0 tokens", [][]int{{}}, EmbedOptions{Pooling: Mean}},
		{"sequence 1: has 41 tokens; the encoder takes 1 to 40", [][]int{make([]int, 41)}, EmbedOptions{Pooling: Mean}},
		{"token types of 1 sequences, but 2", [][]int{{1}, {2}}, EmbedOptions{Pooling: Mean, Types: [][]int{{0}}}},
		{"sequence 1: autograd: encoder: token type: index 2", [][]int{{1}}, EmbedOptions{Pooling: Mean, Types: [][]int{{2}}}},
		{"as many ids", [][]int{{1}}, EmbedOptions{Pooling: Mean, Types: [][]int{{0, 1}}}},
		{"no engine", [][]int{{1}}, EmbedOptions{Pooling: Mean, Engine: "tpu"}},
	} {
		if _, err := Embed(context.Background(), dir, c.ids, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Embed(ctx, dir, [][]int{{1}}, EmbedOptions{Pooling: Mean}); err != context.Canceled {
		t.Errorf("after its end: %v", err)
	}
}

// More sequences than fit into one pass come out in their order.
func TestEmbedInSeveralPasses(t *testing.T) {
	_, x := load(t, BERT, "ref")
	var ids [][]int
	for len(ids) < 200 {
		ids = append(ids, x.Seqs[2], x.Seqs[0])
	}
	o := EmbedOptions{Pooling: Mean, Threads: 1}
	got, err := Embed(context.Background(), filepath.Join("testdata", BERT), ids, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Threads = 2 // which changes no bit either
	two, err := Embed(context.Background(), filepath.Join("testdata", BERT), ids[:2], o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ids {
		if !slices.Equal(got[i].Vector, two[i%2].Vector) {
			t.Fatalf("sequence %d has another vector", i)
		}
	}
}

func TestReadSentence(t *testing.T) {
	s, ok, err := ReadSentence(sentenceFolder(t, "sub", nil))
	if err != nil || !ok || filepath.Base(s.Dir) != "sub" || s.Pooling != Mean || !s.Normalize || s.MaxLength != 30 || !s.LowerCase {
		t.Errorf("%+v, %t, %v", s, ok, err)
	}
	if _, ok, err := ReadSentence(filepath.Join("testdata", BERT)); ok || err != nil {
		t.Errorf("a folder without modules.json: %t, %v", ok, err)
	}
	// As version 6 writes it, with CLS and no normalisation.
	s, _, err = ReadSentence(sentenceFolder(t, "", map[string]string{
		"modules.json": `[{"path":"","type":"sentence_transformers.base.modules.transformer.Transformer"},` +
			`{"path":"1_Pooling","type":"sentence_transformers.sentence_transformer.modules.pooling.Pooling"}]`,
		sentenceFile:            `{"transformer_task":"feature-extraction","modality_config":{"text":{}}}`,
		"tokenizer_config.json": `{"model_max_length":17}`,
		"1_Pooling/config.json": `{"embedding_dimension":24,"pooling_mode":"cls","include_prompt":true}`,
	}))
	if err != nil || s.Pooling != CLS || s.Normalize || s.MaxLength != 17 || s.LowerCase {
		t.Errorf("version 6: %+v, %v", s, err)
	}
	s, _, err = ReadSentence(sentenceFolder(t, "", map[string]string{sentenceFile: `{}`, "tokenizer_config.json": `{"model_max_length":1000000000000000019884624838656}`}))
	if err != nil || s.MaxLength != 0 {
		t.Errorf("a tokenizer without a limit: %+v, %v", s, err)
	}
	module := func(kinds ...string) string {
		for i, k := range kinds {
			kinds[i] = `{"path":"` + fmt.Sprint(i) + `","type":"sentence_transformers.models.` + k + `"}`
		}
		return "[" + strings.Join(kinds, ",") + "]"
	}
	for _, c := range []struct{ want, file, text string }{
		{`"sentence_transformers.models.Dense" is not supported`, modulesFile, module("Transformer", "Pooling", "Dense")},
		{"modules Pooling, Transformer are not supported", modulesFile, module("Pooling", "Transformer")},
		{"leaves the folder", modulesFile, `[{"path":"../x","type":"a.Transformer"}]`},
		{"not valid JSON", modulesFile, `{`},
		{"max is not supported", "1_Pooling/config.json", `{"pooling_mode_max_tokens":true}`},
		{"cls with mean is not supported", "1_Pooling/config.json", `{"pooling_mode":["cls","mean"]}`},
		{"include_prompt", "1_Pooling/config.json", `{"include_prompt":false}`},
		{"max_seq_length", sentenceFile, `{"max_seq_length":-3}`},
		{"transformer_task", sentenceFile, `{"transformer_task":"fill-mask"}`},
		{"module_input_name", "2_Normalize/config.json", `{"module_input_name":"token_embeddings"}`},
	} {
		if _, _, err := ReadSentence(sentenceFolder(t, "", map[string]string{c.file: c.text})); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: got %v, want %q", c.file, c.text, err, c.want)
		}
	}
}

func TestMisusePanics(t *testing.T) {
	m, _ := load(t, DistilBERT, "ref")
	tape := autograd.NewTape(m.Engine(), false)
	defer tape.Release()
	for what, f := range map[string]func(){
		"a token type in a family without": func() { m.Hidden(tape, Batch{IDs: []int32{1}, Types: []int32{1}, SeqLens: []int{1}}) },
		"wrong lengths":                    func() { m.Hidden(tape, Batch{IDs: []int32{1, 2}, SeqLens: []int{1}}) },
		"a block too many":                 func() { m.HiddenAt(tape, Pack([]int{1}), 3) },
		"a pooler that is not there":       func() { m.Pooled(tape, m.Hidden(tape, Pack([]int{1})), []int{1}) },
		"an unknown pooling":               func() { Pool(tape, m.Hidden(tape, Pack([]int{1})), []int{1}, None) },
	} {
		if err := autograd.Catch(f); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func ExampleEmbed() {
	ids := [][]int{{3, 8, 20}, {7}} // with the special tokens that the tokenizer adds
	vectors, err := Embed(context.Background(), "testdata/bert", ids, EmbedOptions{Pooling: Mean})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(vectors), "vectors of", len(vectors[0].Vector), "numbers")
	// Output: 2 vectors of 24 numbers
}
