package encoder

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// change edits the config.json of a fixture; null removes a field.
func change(t *testing.T, name, with string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	edits := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(with), &edits); err != nil {
		t.Fatal(err)
	}
	for k, v := range edits {
		if all[k] = v; string(v) == "null" {
			delete(all, k)
		}
	}
	raw, err = json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestConfigRefusesByName(t *testing.T) {
	for _, c := range []struct{ family, with, want string }{
		{"bert", `{"model_type":"deberta-v2"}`, `model_type: "deberta-v2" is not a supported encoder`},
		{"bert", `{"model_type":null}`, "model_type"},
		{"bert", `{"is_decoder":true}`, "is_decoder"},
		{"bert", `{"add_cross_attention":true}`, "add_cross_attention"},
		{"bert", `{"position_embedding_type":"relative_key"}`, "position_embedding_type"},
		{"bert", `{"quantization_config":{"load_in_4bit":true}}`, "quantization_config"},
		{"bert", `{"pruned_heads":{"0":[1]}}`, "pruned_heads"},
		{"bert", `{"hidden_act":"mish"}`, `hidden_act: "mish"`},
		{"bert", `{"num_attention_heads":5}`, "num_attention_heads: 5"},
		{"bert", `{"hidden_size":"24"}`, "hidden_size: got"},
		{"bert", `{"hidden_size":24.5}`, "hidden_size: 24.5"},
		{"bert", `{"vocab_size":null}`, "vocab_size"},
		{"bert", `{"num_hidden_layers":1000000000}`, "num_hidden_layers"},
		{"bert", `{"layer_norm_eps":0}`, "layer_norm_eps"},
		{"bert", `{"type_vocab_size":-1}`, "type_vocab_size"},
		{"roberta", `{"pad_token_id":-1}`, "pad_token_id"},
		{"roberta", `{"max_position_embeddings":2}`, "max_position_embeddings"},
		{"mpnet", `{"relative_attention_num_buckets":16}`, "relative_attention_num_buckets"},
		{"modernbert", `{"layer_types":["full_attention"]}`, "layer_types"},
		{"modernbert", `{"layer_types":["full_attention","full_attention","chunked_attention","full_attention"]}`, `"chunked_attention"`},
		{"modernbert", `{"layer_types":null,"global_attn_every_n_layers":0}`, "global_attn_every_n_layers"},
		{"modernbert", `{"local_attention":1}`, "local_attention"},
		{"modernbert", `{"head_dim":12}`, "head_dim"},
		{"modernbert", `{"rope_scaling":{"rope_type":"linear","factor":2}}`, "rope_scaling"},
		{"modernbert", `{"rope_parameters":{"full_attention":{"rope_type":"yarn"}}}`, "rope_parameters.full_attention.rope_type"},
		{"modernbert", `{"rope_parameters":{"sliding_attention":{"partial_rotary_factor":0.5}}}`, "rope_parameters.sliding_attention.partial_rotary_factor"},
		{"modernbert", `{"rope_parameters":{"rope_theta":1}}`, "rope_parameters.rope_theta"},
		{"modernbert", `{"rope_parameters":{"full_attention":{"rope_theta":-1}}}`, "rope_theta"},
		{"modernbert", `{"num_attention_heads":8}`, "even width"},
		{"modernbert", `{"classifier_activation":"mish"}`, `"mish"`},
	} {
		if _, err := ParseConfig(change(t, c.family, c.with)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s: got %v, want %q", c.family, c.with, err, c.want)
		}
	}
	if _, err := ParseConfig([]byte("{")); err == nil {
		t.Error("broken JSON was taken")
	}
}

// What transformers 4 wrote and 5 writes mean the same; so do fields that are
// off, null or at their default.
func TestConfigForms(t *testing.T) {
	for _, c := range []struct{ family, with string }{
		{"bert", `{"position_embedding_type":"absolute","is_decoder":false,"add_cross_attention":false,"pruned_heads":{},"dtype":null,"torch_dtype":"float32"}`},
		{"distilbert", `{"sinusoidal_pos_embds":false,"tie_weights_":true,"pad_token_id":0}`},
		{"roberta", `{"tie_word_embeddings":null,"pad_token_id":null}`},
		{"mpnet", `{"relative_attention_num_buckets":null,"pad_token_id":7}`},
		{"modernbert", `{"rope_parameters":null,"layer_types":null,"global_attn_every_n_layers":3,"global_rope_theta":160000.0,"local_rope_theta":10000.0,"position_embedding_type":"absolute","reference_compile":false,"norm_eps":1e-5}`},
	} {
		want, err := ReadConfig(filepath.Join("testdata", c.family))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseConfig(change(t, c.family, c.with))
		if err != nil {
			t.Errorf("%s: %v", c.family, err)
			continue
		}
		if !slices.Equal(got.Local, want.Local) {
			t.Errorf("%s: local layers %v, want %v", c.family, got.Local, want.Local)
		}
		got.Local, want.Local, got.raw, want.raw = nil, nil, nil, nil
		if a, b := toJSON(t, got), toJSON(t, want); a != b {
			t.Errorf("%s:\n got %s\nwant %s", c.family, a, b)
		}
	}
	c, err := ParseConfig(change(t, "modernbert", `{"rope_parameters":null,"global_rope_theta":77,"local_rope_theta":5}`))
	if err != nil || c.GlobalTheta != 77 || c.LocalTheta != 5 {
		t.Errorf("bases %g and %g: %v", c.GlobalTheta, c.LocalTheta, err)
	}
	raw := strings.Replace(string(change(t, "modernbert", `{"rope_parameters":null,"global_rope_theta":77}`)), "{", `{"local_rope_theta":null,`, 1)
	if c, err := ParseConfig([]byte(raw)); err != nil || c.LocalTheta != 77 {
		t.Errorf("a local base of null: %g: %v", c.LocalTheta, err)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestBucketsEqualTransformers(t *testing.T) {
	_, x := load(t, "mpnet", "ref")
	for i, want := range x.Buckets {
		if d := i - len(x.Buckets)/2; bucket(d) != want {
			t.Errorf("distance %d: bucket %d, want %d", d, bucket(d), want)
		}
	}
	if len(x.Buckets) != 601 {
		t.Errorf("%d distances", len(x.Buckets))
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, name := range Families() {
		raw, err := os.ReadFile(filepath.Join("testdata", name, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"model_type":"modernbert","num_hidden_layers":2147483647,"layer_types":[],"rope_parameters":{"full_attention":[]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseConfig(raw)
		if err == nil && (c.ContextLength() < 1 || c.HeadDim() < 1 || c.Layers > checkpoint.MaxLayers) {
			t.Errorf("%+v was taken", c)
		}
	})
}
