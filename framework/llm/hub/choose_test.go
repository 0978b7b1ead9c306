package hub

import (
	"errors"
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
		{[]string{"HF_HOME=~/h", "HF_HUB_OFFLINE=yes", "HF_ENDPOINT=http://m/"}, settings{cache: "$/h/hub", endpoint: "http://m", token: "file", offline: true}},
		{[]string{"HF_HOME=~/h", "TRANSFORMERS_OFFLINE=TRUE"}, settings{cache: "$/h/hub", endpoint: "https://huggingface.co", token: "file", offline: true}},
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
			there:   []string{"1_Pooling/config.json", "modules.json", "2_Dense/config.json", "model.safetensors", "config.json", "openvino/model.bin"},
			small:   []string{"1_Pooling/config.json", "config.json", "modules.json"},
			weights: []string{"model.safetensors"},
		},
		"templates": {
			there:   []string{"additional_chat_templates/rag.jinja", "additional_chat_templates/x.txt", "chat_template.jinja", "other/x.jinja", "weights.safetensors"},
			small:   []string{"additional_chat_templates/rag.jinja", "chat_template.jinja"},
			weights: []string{"weights.safetensors"},
		},
	} {
		if got := small(c.there); !slices.Equal(got, c.small) {
			t.Errorf("%s: small %v, want %v", name, got, c.small)
		}
		var index []byte
		if c.index != "" {
			index = []byte(c.index)
		}
		if got, err := weights(c.there, index); err != nil || !slices.Equal(got, c.weights) {
			t.Errorf("%s: weights %v (%v), want %v", name, got, err, c.weights)
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
