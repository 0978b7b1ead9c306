package embed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/tunelab/tunelab/framework/compute/cpu"
)

// fixture is a folder and what sentence-transformers makes of texts with it
// (testdata/make_fixtures.py).
type fixture struct {
	Name, Model, Sub, Prompt string
	Files, Copies            map[string]string
	Texts                    []string
	Hidden                   bool
	Vectors                  [][]float32
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	raw, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Script string
		Cases  []fixture
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/make_fixtures.py")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(script); all.Script != hex.EncodeToString(sum[:]) {
		t.Fatal("cases.json was made by another version of testdata/make_fixtures.py: run it again")
	}
	return all.Cases
}

// folder lays the fixture out, with files in place of its own; a file that is ""
// is left out.
func (f fixture) folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{}
	read := func(to, from string) {
		raw, err := os.ReadFile(filepath.Join("testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		all[to] = string(raw)
	}
	for _, name := range []string{"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} {
		read(filepath.Join(f.Sub, name), filepath.Join(f.Model, name))
	}
	for to, from := range f.Copies {
		read(to, from)
	}
	for _, more := range []map[string]string{f.Files, files} {
		for name, text := range more {
			all[name] = text
		}
	}
	for name, text := range all {
		path := filepath.Join(dir, name)
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func inputs(texts ...string) []Input {
	out := make([]Input, len(texts))
	for i := range texts {
		out[i].Text = &texts[i]
	}
	return out
}

// flat is an embedding's numbers in a row.
func flat(e Embedding) []float32 {
	if e.Hidden != nil {
		return slices.Concat(e.Hidden...)
	}
	return e.Vector
}

func TestEmbeddingsEqualSentenceTransformers(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.Name, func(t *testing.T) {
			dir := f.folder(t, nil)
			o := Options{Threads: 1, Prompt: f.Prompt}
			if f.Hidden {
				o.Pooling = None
			}
			got, err := Embed(context.Background(), dir, inputs(f.Texts...), o)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i, want := range f.Vectors {
				g := flat(got[i])
				if len(g) != len(want) {
					t.Fatalf("text %d: %d numbers, want %d", i+1, len(g), len(want))
				}
				diff, size := 0.0, 0.0
				for j := range want {
					diff = max(diff, math.Abs(float64(g[j])-float64(want[j])))
					size = max(size, math.Abs(float64(want[j])))
				}
				if worst = max(worst, diff/size); !(diff <= 1e-5*size) {
					t.Errorf("text %d: off by %.2g of %.3g", i+1, diff, size)
				}
			}
			t.Logf("largest relative difference %.2g", worst)
			// Neither what is asked beside a text nor threads change a bit.
			o.Threads = 2
			last := len(f.Texts) - 1
			alone, err := Embed(context.Background(), dir, inputs(f.Texts[last]), o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(flat(alone[0]), flat(got[last])) {
				t.Error("alone it has other bits")
			}
		})
	}
}

// first is the fixture of mean pooling, normalised.
func first(t *testing.T) fixture { return fixtures(t)[0] }

// More sequences than fit into one pass come out in their order.
func TestSeveralPasses(t *testing.T) {
	dir := first(t).folder(t, nil)
	var in []Input
	for len(in) < 400 {
		in = append(in, Input{IDs: []int{2, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 3}}, inputs("the cat")[0])
	}
	for _, pooling := range []string{"", None, LastToken} {
		o := Options{Pooling: pooling, Threads: 1}
		got, err := Embed(context.Background(), dir, in, o)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Embed(context.Background(), dir, in[:2], o)
		if err != nil {
			t.Fatal(err)
		}
		for i := range in {
			if !slices.Equal(flat(got[i]), flat(two[i%2])) {
				t.Fatalf("pooling %q: sequence %d has another vector", pooling, i)
			}
		}
	}
}

// A pooling that is asked for leaves the folder's recipe aside: no cut, no
// prompt, no normalisation.
func TestAPoolingThatIsAskedFor(t *testing.T) {
	f := first(t)
	dir := f.folder(t, map[string]string{"config_sentence_transformers.json": `{"prompts":{"query":"the "},"default_prompt_name":"query"}`})
	text := "the cat sits on the mat, was the river" // more than the recipe's 12 tokens
	of := func(pooling string) Embedding {
		got, err := Embed(context.Background(), dir, inputs(text), Options{Pooling: pooling, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	h := of(None).Hidden
	n := len(h)
	if n <= 12 {
		t.Fatalf("%d tokens", n)
	}
	for j := range h[0] {
		sum, weighted, most := 0.0, 0.0, h[0][j]
		for i := range h {
			sum, weighted, most = sum+float64(h[i][j]), weighted+float64(i+1)*float64(h[i][j]), max(most, h[i][j])
		}
		for pooling, want := range map[string]float64{CLS: float64(h[0][j]), LastToken: float64(h[n-1][j]), Max: float64(most),
			Mean: sum / float64(n), MeanSqrt: sum / math.Sqrt(float64(n)), WeightedMean: weighted / float64(n*(n+1)/2)} {
			if got := float64(of(pooling).Vector[j]); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Fatalf("%s: component %d is %g, want %g", pooling, j, got, want)
			}
		}
	}
}

func TestEmbedErrors(t *testing.T) {
	dir := first(t).folder(t, nil)
	bare := filepath.Join("testdata", "bert")
	ids := func(ids ...int) []Input { return []Input{{IDs: []int{2}}, {IDs: ids}} }
	var decoder fixture
	for _, f := range fixtures(t) {
		if strings.Contains(f.Name, "no special token") {
			decoder = f
		}
	}
	short := decoder.folder(t, map[string]string{"sentence_bert_config.json": `{"max_seq_length":4}`, "config_sentence_transformers.json": `{"prompts":{"p":"the cat"}}`,
		"1_Pooling/config.json": `{"pooling_mode":"mean","include_prompt":false}`})
	one := first(t).folder(t, map[string]string{"sentence_bert_config.json": `{"max_seq_length":1}`})
	for _, c := range []struct {
		want, dir string
		in        []Input
		o         Options
	}{
		{`pooling "median" is none of none, cls`, bare, ids(1), Options{Pooling: "median"}},
		{"has no modules.json that says how to pool; give the pooling", bare, ids(1), Options{}},
		{"line 2: token 1 has the id 999", bare, ids(999), Options{Pooling: Mean}},
		{"line 2: has 0 tokens", bare, ids(), Options{Pooling: Mean}},
		{"line 2: has 41 tokens; the model takes 1 to 40", dir, ids(make([]int, 41)...), Options{}},
		{"line 2: has", bare, inputs("x", strings.Repeat("the ", 50)), Options{Pooling: Mean}},
		{"line 2: has 41 tokens", first(t).folder(t, map[string]string{"sentence_bert_config.json": `{"max_seq_length":41}`}), inputs("x", strings.Repeat("the ", 50)), Options{}},
		{"line 2: the text is empty, and the tokenizer adds no special token", decoder.folder(t, nil), inputs("x", ""), Options{}},
		{"line 1: the prompt, which is not pooled, has 4 tokens and leaves nothing", short, inputs("x"), Options{Prompt: "p"}},
		{"line 1: texts are cut at 1 tokens, but the tokenizer adds 2", one, inputs("x"), Options{}},
		{`there is no prompt "q"; there are document, p, query`, short, ids(1), Options{Prompt: "q"}},
		{`prompt "p" is of the folder's own recipe`, short, ids(1), Options{Prompt: "p", Pooling: Mean}},
		{"no engine", bare, ids(1), Options{Pooling: Mean, Engine: "tpu"}},
	} {
		if _, err := Embed(context.Background(), c.dir, c.in, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Embed(ctx, dir, inputs("x"), Options{}); err != context.Canceled {
		t.Errorf("after its end: %v", err)
	}
}

// What this package does not compute is refused by its name.
func TestRefusedRecipes(t *testing.T) {
	module := func(kinds ...string) string {
		for i, k := range kinds {
			kinds[i] = `{"path":"` + fmt.Sprint(i) + `","type":"sentence_transformers.models.` + k + `"}`
		}
		return "[" + strings.Join(kinds, ",") + "]"
	}
	const (
		pooling  = "1_Pooling/config.json"
		settings = "sentence_bert_config.json"
		dense    = "2_Dense/config.json"
		normal   = "2_Normalize/config.json"
	)
	var normalised, withDense fixture
	for _, f := range fixtures(t) {
		switch f.Name {
		case "mean, normalised":
			normalised = f
		case "dense":
			withDense = f
		}
	}
	for _, c := range []struct{ want, file, text string }{
		{`module 2: "sentence_transformers.models.LSTM" is not supported`, modulesFile, module("Transformer", "Pooling", "LSTM")},
		{`module 0: "custom_st.Transformer" is not supported`, modulesFile, `[{"path":"","type":"custom_st.Transformer"}]`},
		{"module 0 is Pooling", modulesFile, module("Pooling", "Transformer")},
		{"module 1 is Normalize", modulesFile, module("Transformer", "Normalize")},
		{"module 2 is Pooling", modulesFile, module("Transformer", "Pooling", "Pooling")},
		{"has no Pooling module", modulesFile, `[{"path":"","type":"sentence_transformers.models.Transformer"}]`},
		{"kwargs [task] are not supported", modulesFile, `[{"path":"","type":"sentence_transformers.models.Transformer","kwargs":["task"]}]`},
		{"names no module", modulesFile, `[]`},
		{"leaves the folder", modulesFile, `[{"path":"../x","type":"sentence_transformers.models.Transformer"}]`},
		{"unexpected end", modulesFile, `[`},
		{`pooling_mode: "median" is not supported`, pooling, `{"pooling_mode":"median"}`},
		{`pooling_mode: "none" is not supported`, pooling, `{"pooling_mode":["mean","none"]}`},
		{`unknown field "pooling_mode_new"`, pooling, `{"pooling_mode_new":true}`},
		{"pooling_mode: json", pooling, `{"pooling_mode":7}`},
		{"says how to pool", pooling, ""},
		{"max_seq_length: -3 is not positive", settings, `{"max_seq_length":-3}`},
		{`transformer_task: "fill-mask" is not supported`, settings, `{"transformer_task":"fill-mask"}`},
		{"modality_config: has no text", settings, `{"modality_config":{"message":{}}}`},
		{`method: "get_text_features" is not supported`, settings, `{"modality_config":{"text":{"method":"get_text_features"}}}`},
		{"tokenizer_args: model_max_length is not supported", settings, `{"tokenizer_args":{"padding_side":"left","model_max_length":3}}`},
		{"config_args: use_cache is not supported", settings, `{"model_args":{"torch_dtype":"bfloat16"},"config_args":{"use_cache":false}}`},
		{`unknown field "query_expansion"`, settings, `{"query_expansion":{}}`},
		{`truncation_side: "left" is not supported`, "tokenizer_config.json", `{"truncation_side":"left"}`},
		{`model_type: "SparseEncoder" is not supported`, promptsFile, `{"model_type":"SparseEncoder"}`},
		{`default_prompt_name: there is no prompt "q"; there are a, document, query`, promptsFile, `{"prompts":{"a":"b"},"default_prompt_name":"q"}`},
		{"module_input_name", normal, `{"module_input_name":"token_embeddings"}`},
		{`activation_function: "torch.nn.modules.activation.PReLU" is not supported`, dense, `{"in_features":24,"out_features":6,"activation_function":"torch.nn.modules.activation.PReLU"}`},
		{`activation_function: "my.Tanh" is not supported`, dense, `{"in_features":24,"out_features":6,"activation_function":"my.Tanh"}`},
		{"use_residual is not supported", dense, `{"in_features":24,"out_features":6,"use_residual":true}`},
		{"must be positive", dense, `{}`},
		{"linear.weight", dense, `{"in_features":24,"out_features":7}`},
		{"says what the Dense module is", dense, ""},
		{"convert the model with sentence-transformers", "2_Dense/model.safetensors", ""},
		{"line 1: ", pooling, `{"pooling_mode":["mean","cls"]}`},
	} {
		f := normalised
		if strings.HasPrefix(c.file, "2_Dense") || c.want == "line 1: " {
			f = withDense
		}
		_, err := Embed(context.Background(), f.folder(t, map[string]string{c.file: c.text}), inputs("x"), Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: got %v, want %q", c.file, c.text, err, c.want)
		}
	}
}

func ExampleEmbed() {
	texts := []string{"the cat", "the river"}
	vectors, err := Embed(context.Background(), "testdata/bert", []Input{{Text: &texts[0]}, {Text: &texts[1]}}, Options{Pooling: Mean})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(vectors), "vectors of", len(vectors[0].Vector), "numbers")
	// Output: 2 vectors of 24 numbers
}
