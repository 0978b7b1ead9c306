package hub

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	for s, want := range map[string]Ref{
		"hf:owner/name":      {"owner/name", "main"},
		"hf:gpt2":            {"gpt2", "main"},
		"hf:o-1/N_a.me@v1.0": {"o-1/N_a.me", "v1.0"},
		"hf:o/n@refs/pr/3":   {"o/n", "refs/pr/3"},
		"hf:o/n@" + commit1:  {"o/n", commit1},
	} {
		if got, err := ParseRef(s); err != nil || got != want {
			t.Errorf("%s: %+v (%v)", s, got, err)
		}
	}
	for _, s := range []string{"owner/name", "hf:", "hf:/", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a/.b", "hf:a--b/c", "hf:a/b.git", "hf:a/b@", "hf:a/b@../x", "hf:a/b@/x", "hf:a/b@x/../../y", `hf:a/b@x\y`, "hf:a/b@x\ny", "hf:a b/c", "hf:a/" + strings.Repeat("x", 100)} {
		if got, err := ParseRef(s); err == nil {
			t.Errorf("%q is %+v", s, got)
		}
	}
}

func TestSettings(t *testing.T) {
	home := t.TempDir()
	for name, text := range map[string]string{"h/token": "file\n", "other": "  other\n", ".cache/huggingface/token": "default"} {
		if err := writeFile(filepath.Join(home, name), text); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		env  []string
		want settings
	}{
		{nil, settings{cache: "$/.cache/huggingface/hub", endpoint: "https://huggingface.co", token: "default"}},
		{[]string{"XDG_CACHE_HOME=$/x"}, settings{cache: "$/x/huggingface/hub", endpoint: "https://huggingface.co"}},
		{[]string{"HF_HOME=~/h", "XDG_CACHE_HOME=$/x"}, settings{cache: "$/h/hub", endpoint: "https://huggingface.co", token: "file"}},
		{[]string{"HF_HOME=$HOME/h", "HF_HUB_CACHE=$/c", "HUGGINGFACE_HUB_CACHE=$/d"}, settings{cache: "$/c", endpoint: "https://huggingface.co", token: "file"}},
		{[]string{"HUGGINGFACE_HUB_CACHE=$/d", "HF_TOKEN= env\n"}, settings{cache: "$/d", endpoint: "https://huggingface.co", token: "env"}},
		{[]string{"HF_TOKEN_PATH=~/other", "HF_HOME=~/h"}, settings{cache: "$/h/hub", endpoint: "https://huggingface.co", token: "other"}},
		{[]string{"HF_HOME=~/h", "HF_HUB_DISABLE_IMPLICIT_TOKEN=1", "HF_TOKEN=env"}, settings{cache: "$/h/hub", endpoint: "https://huggingface.co"}},
		{[]string{"HF_HOME=~/h", "HF_HUB_OFFLINE=yes", "HF_ENDPOINT=http://m/"}, settings{cache: "$/h/hub", endpoint: "http://m", token: "file", offline: "HF_HUB_OFFLINE"}},
		{[]string{"HF_HOME=~/h", "TRANSFORMERS_OFFLINE=TRUE"}, settings{cache: "$/h/hub", endpoint: "https://huggingface.co", token: "file", offline: "TRANSFORMERS_OFFLINE"}},
		{[]string{"HF_HOME=~/h", "HF_HUB_OFFLINE=0"}, settings{cache: "$/h/hub", endpoint: "https://huggingface.co", token: "file"}},
	} {
		env := map[string]string{"HOME": home}
		for _, kv := range c.env {
			k, v, _ := strings.Cut(kv, "=")
			if strings.HasPrefix(v, "$/") {
				v = home + v[1:]
			}
			env[k] = v
		}
		c.want.cache = home + c.want.cache[1:]
		if got, err := (Options{Env: func(n string) string { return env[n] }}).settings(); err != nil || got != c.want {
			t.Errorf("%v: %+v (%v), want %+v", c.env, got, err, c.want)
		}
	}
}

func TestWhichFilesAreFetched(t *testing.T) {
	const sharded = `{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}`
	for name, c := range map[string]struct {
		there   []string
		index   string
		modules string
		small   []string
		weights []string
	}{
		"one file": {
			there:   []string{"model.safetensors", "model.fp16.safetensors", "config.json", "README.md", "tokenizer.model", "tokenizer.json", "onnx/config.json", "pytorch_model.bin", "vocab.json", "generation_config.json"},
			small:   []string{"config.json", "generation_config.json", "tokenizer.json"},
			weights: []string{"model.safetensors"},
		},
		"shards beside one for another program": {
			there:   []string{"consolidated.safetensors", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "config.json"},
			index:   sharded,
			small:   []string{"config.json", "model.safetensors.index.json"},
			weights: []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"},
		},
		"an adapter": {
			there:   []string{"adapter_model.safetensors", "adapter_config.json", "adapter_model.bin", "special_tokens_map.json", "optimizer.pt"},
			small:   []string{"adapter_config.json", "special_tokens_map.json"},
			weights: []string{"adapter_model.safetensors"},
		},
		"sentence-transformers": {
			there: []string{"1_Pooling/config.json", "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "sentence_roberta_config.json", "2_Dense/config.json",
				"2_Dense/model.safetensors", "2_Dense/pytorch_model.bin", "3_Other/config.json", "model.safetensors", "config.json", "openvino/model.bin", "onnx/model.onnx", "tf_model.h5", "data_config.json"},
			modules: `[{"path":"","type":"a.Transformer"},{"path":"1_Pooling","type":"a.Pooling"},{"path":"2_Dense","type":"a.Dense"},{"path":"3_Normalize","type":"a.Normalize"}]`,
			small:   []string{"1_Pooling/config.json", "2_Dense/config.json", "config.json", "config_sentence_transformers.json", "modules.json", "sentence_bert_config.json", "sentence_roberta_config.json"},
			weights: []string{"model.safetensors", "2_Dense/model.safetensors"},
		},
		"a transformer in a folder": {
			there: []string{"modules.json", "README.md", "0_Transformer/config.json", "0_Transformer/tokenizer.json", "0_Transformer/tokenizer_config.json", "0_Transformer/sentence_bert_config.json", "0_Transformer/special_tokens_map.json",
				"0_Transformer/additional_chat_templates/rag.jinja", "0_Transformer/model.safetensors", "0_Transformer/pytorch_model.bin", "0_Transformer/onnx/model.onnx", "1_Pooling/config.json"},
			modules: `[{"path":"0_Transformer","type":"a.Transformer"},{"path":"1_Pooling/","type":"a.Pooling"}]`,
			small: []string{"0_Transformer/additional_chat_templates/rag.jinja", "0_Transformer/config.json", "0_Transformer/sentence_bert_config.json", "0_Transformer/special_tokens_map.json",
				"0_Transformer/tokenizer.json", "0_Transformer/tokenizer_config.json", "1_Pooling/config.json", "modules.json"},
			weights: []string{"0_Transformer/model.safetensors"},
		},
		"templates": {
			there:   []string{"additional_chat_templates/rag.jinja", "additional_chat_templates/x.txt", "chat_template.jinja", "other/x.jinja", "weights.safetensors"},
			small:   []string{"additional_chat_templates/rag.jinja", "chat_template.jinja"},
			weights: []string{"weights.safetensors"},
		},
	} {
		ps := partsOf(t, c.modules)
		if got := small(c.there, ps); !slices.Equal(got, c.small) {
			t.Errorf("%s: small %v, want %v", name, got, c.small)
		}
		var index []byte
		if c.index != "" {
			index = []byte(c.index)
		}
		var all []string
		for _, p := range ps {
			got, err := p.weights(c.there, index)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			all = append(all, got...)
		}
		if !slices.Equal(all, c.weights) {
			t.Errorf("%s: weights %v, want %v", name, all, c.weights)
		}
	}
	for want, c := range map[string]struct {
		there []string
		index string
	}{
		"PyTorch pickles":     {there: []string{"config.json", "pytorch_model.bin"}},
		"is it a model?":      {there: []string{"README.md"}},
		"which is not there":  {[]string{"model-00001-of-00002.safetensors"}, sharded},
		"weight_map names no": {[]string{"model.safetensors"}, `{}`},
		"not a path":          {[]string{"model.safetensors"}, `{"weight_map": {"a": "../x"}}`},
		"invalid character":   {[]string{"model.safetensors"}, `nonsense`},
	} {
		var index []byte
		if c.index != "" {
			index = []byte(c.index)
		}
		got, err := weights(c.there, index)
		if err == nil || !strings.Contains(err.Error(), want) || (index == nil) != errors.Is(err, ErrWeights) {
			t.Errorf("%v (%v), want %s", got, err, want)
		}
	}
}

func partsOf(t *testing.T, modules string) []part {
	t.Helper()
	var raw []byte
	if modules != "" {
		raw = []byte(modules)
	}
	ps, err := parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func TestModulesThatAreRefused(t *testing.T) {
	for want, modules := range map[string]string{
		"not valid JSON":   "{",
		"names no module":  "[]",
		`module 1: "../x"`: `[{"path":"","type":"a.Transformer"},{"path":"../x","type":"a.Dense"}]`,
	} {
		if _, err := parts([]byte(modules)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", modules, err, want)
		}
	}
	ps := partsOf(t, `[{"path":"0_Transformer","type":"a.Transformer"},{"path":"2_Dense","type":"a.Dense"}]`)
	if _, err := ps[0].weights([]string{"model.safetensors"}, nil); !errors.Is(err, ErrWeights) || !strings.Contains(err.Error(), "0_Transformer: no weights in safetensors: is it a model?") {
		t.Errorf("%v", err)
	}
	if got, err := ps[1].weights([]string{"2_Dense/pytorch_model.bin"}, nil); err != nil || got != nil {
		t.Errorf("a Dense of pickles: %v (%v)", got, err)
	}
}

// A repository of sentence-transformers comes whole, is found again without
// network, and offline what it lacks is named.
func TestARepositoryOfModules(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	h.files = map[string][]byte{
		"modules.json":                      []byte(`[{"path":"0_Transformer","type":"a.Transformer"},{"path":"1_Pooling","type":"a.Pooling"},{"path":"2_Dense","type":"a.Dense"},{"path":"3_Normalize","type":"a.Normalize"}]`),
		"config_sentence_transformers.json": []byte(`{"prompts": {}}`),
		"0_Transformer/config.json":         []byte(`{"model_type": "bert"}`),
		"0_Transformer/tokenizer.json":      []byte(`{"version": "1.0"}`),
		"0_Transformer/model.safetensors":   blobOf(1000),
		"0_Transformer/pytorch_model.bin":   blobOf(1001),
		"0_Transformer/onnx/model.onnx":     blobOf(1002),
		"1_Pooling/config.json":             []byte(`{"pooling_mode": "cls"}`),
		"2_Dense/config.json":               []byte(`{"in_features": 2}`),
		"2_Dense/model.safetensors":         blobOf(1003),
		"2_Dense/pytorch_model.bin":         blobOf(1004),
		"README.md":                         []byte("# Model"),
	}
	h.big = map[string]bool{"0_Transformer/model.safetensors": true, "2_Dense/model.safetensors": true}
	got, hash, err := Resolve(t.Context(), "hf:owner/name", h.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0_Transformer/config.json", "0_Transformer/model.safetensors", "0_Transformer/tokenizer.json", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "config_sentence_transformers.json", "modules.json"}
	if there := slices.Sorted(maps.Keys(under(t, got))); !slices.Equal(there, want) {
		t.Errorf("fetched %v, want %v", there, want)
	}
	h.requests()
	if again, _, err := Resolve(t.Context(), "hf:owner/name@"+hash, h.options(dir)); err != nil || again != got || len(h.requests()) > 0 {
		t.Errorf("not found again in the cache: %s (%v)", again, err)
	}
	offline := h.options(dir, "TRANSFORMERS_OFFLINE=1")
	if _, _, err := Resolve(t.Context(), "hf:owner/name", offline); err != nil {
		t.Errorf("offline: %v", err)
	}
	for _, name := range []string{"2_Dense/model.safetensors", "1_Pooling/config.json", "0_Transformer/model.safetensors", "0_Transformer/config.json"} {
		if err := os.Remove(filepath.Join(got, name)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Resolve(t.Context(), "hf:owner/name", offline); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "without TRANSFORMERS_OFFLINE") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name@"+hash, h.options(dir)); err != nil {
		t.Error(err)
	}
	if there := slices.Sorted(maps.Keys(under(t, got))); !slices.Equal(there, want) {
		t.Errorf("mended to %v, want %v", there, want)
	}
}

// A module whose weights are pickles alone is no obstacle to the rest.
func TestAModuleOfPickles(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	h.files["modules.json"] = []byte(`[{"path":"","type":"of.its.Own"},{"path":"1_Dense","type":"a.Dense"}]`)
	h.files["1_Dense/config.json"], h.files["1_Dense/pytorch_model.bin"] = []byte("{}"), blobOf(10)
	for _, env := range []string{"HF_HUB_OFFLINE=0", "HF_HUB_OFFLINE=1"} {
		got, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir, env))
		if err != nil || !exists(filepath.Join(got, modelFile)) {
			t.Errorf("%s: %v", env, err)
		}
	}
}

// A sharded model is whole only with its index and every shard.
func TestAShardedModel(t *testing.T) {
	h, dir := newFake(t), t.TempDir()
	delete(h.files, "model.safetensors")
	h.files[indexFile] = []byte(`{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`)
	for _, name := range []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"} {
		h.files[name], h.big[name] = []byte("bytes of "+name), true
	}
	got, hash, err := Resolve(t.Context(), "hf:owner/name", h.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	h.requests()
	offline := h.options(dir, "HF_HUB_OFFLINE=1")
	for _, name := range []string{"model-00002-of-00002.safetensors", indexFile} {
		if err := os.Remove(filepath.Join(got, name)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Resolve(t.Context(), "hf:owner/name", offline); err == nil || !strings.Contains(err.Error(), "lacks "+name) {
			t.Errorf("%v, want lacks %s", err, name)
		}
		if _, _, err := Resolve(t.Context(), "hf:owner/name@"+hash, h.options(dir)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if asked := h.requests(); len(asked) != 2 { // the description, and the name of the blob that is still there
			t.Errorf("%s: %v", name, asked)
		}
	}
}

func TestPicklesAreRefusedBeforeAnyDownload(t *testing.T) {
	h := newFake(t)
	delete(h.files, "model.safetensors")
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(t.TempDir())); !errors.Is(err, ErrWeights) || !strings.Contains(err.Error(), "convert") {
		t.Errorf("%v", err)
	}
	if asked := h.requests(); len(asked) != 1 {
		t.Errorf("%v", asked)
	}
}
