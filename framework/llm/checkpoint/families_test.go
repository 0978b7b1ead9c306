package checkpoint

import (
	"reflect"
	"strings"
	"testing"
)

const someSizes = `"vocab_size":32,"hidden_size":16,"intermediate_size":24,"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":4`

func parse(t *testing.T, family, more string) Config {
	t.Helper()
	c, err := ParseConfig([]byte(`{"model_type":"` + family + `",` + someSizes + more + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What would change the computation and is not supported is refused by name.
func TestChoicesAreRefusedByName(t *testing.T) {
	for family, fields := range map[string]map[string]string{
		Llama: {`"rope_scaling":{"type":"dynamic","factor":2}`: "rope_scaling.rope_type", `"rope_scaling":{"rope_type":"longrope"}`: "rope_scaling.rope_type",
			`"partial_rotary_factor":0.5`: "partial_rotary_factor", `"hidden_act":"relu2"`: "hidden_act", `"is_encoder_decoder":true`: "is_encoder_decoder",
			`"architectures":["FooForCausalLM"]`: "architectures", `"rope_scaling":5`: "rope_scaling", `"head_dim":3`: "head_dim"},
		GPT2:    {`"scale_attn_by_inverse_layer_idx":true`: "scale_attn_by_inverse_layer_idx", `"add_cross_attention":true`: "add_cross_attention"},
		Qwen2:   {`"layer_types":["full_attention","linear_attention","full_attention","full_attention"]`: "layer_types", `"layer_types":["full_attention"]`: "layer_types", `"use_sliding_window":true,"sliding_window":null,"layer_types":["sliding_attention","full_attention","full_attention","full_attention"]`: "sliding_window"},
		Qwen3:   {`"layer_types":["chunked_attention","full_attention","full_attention","full_attention"]`: "layer_types"},
		Gemma2:  {`"use_bidirectional_attention":true`: "use_bidirectional_attention", `"query_pre_attn_scalar":0`: "query_pre_attn_scalar", `"sliding_window":null`: "sliding_window"},
		Gemma3:  {`"attn_logit_softcapping":50.0`: "attn_logit_softcapping", `"sliding_window_pattern":0`: "sliding_window_pattern", `"rope_parameters":{"full_attention":{"rope_type":"dynamic"}}`: "rope_parameters.full_attention.rope_type"},
		GPTNeoX: {`"rotary_pct":0.1`: "head_dim", `"rotary_pct":0.5,"hidden_act":"gelu_fast"`: "hidden_act"},
		Phi:     {`"partial_rotary_factor":1.5`: "partial_rotary_factor"},
		OPT:     {`"ffn_dim":24,"layer_norm_elementwise_affine":false`: "layer_norm_elementwise_affine"},
		SmolLM3: {`"no_rope_layers":[1]`: "no_rope_layers"},
		OLMo2:   {`"num_key_value_heads":3`: "num_key_value_heads"},
		Granite: {`"logits_scaling":-1.0`: "logits_scaling", `"attention_multiplier":0`: "attention_multiplier", `"quantization_config":{}`: "quantization_config"},
	} {
		sizes := someSizes
		if family == GPT2 {
			sizes = `"vocab_size":32,"n_embd":16,"n_layer":4,"n_head":4`
		}
		for field, name := range fields {
			_, err := ParseConfig([]byte(`{"model_type":"` + family + `",` + sizes + `,` + field + `}`))
			if err == nil || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("%s with %s: %v, want %s", family, field, err, name)
			}
		}
	}
}

// A field that is not there has transformers' default; null is another thing.
func TestDefaultsOfFamilies(t *testing.T) {
	for _, c := range []struct {
		family, more string
		got          func(Config) any
		want         any
	}{
		{Mistral, ``, func(c Config) any { return [2]int{c.Window(0), c.Window(3)} }, [2]int{4096, 4096}},
		{Mistral, `,"sliding_window":null`, func(c Config) any { return c.Window(0) }, 0},
		{Qwen2, `,"sliding_window":8`, func(c Config) any { return c.SlidingWindow }, 0},
		{Qwen2, `,"use_sliding_window":true,"max_window_layers":2`, func(c Config) any { return [2]int{c.Window(1), c.Window(2)} }, [2]int{0, 4096}},
		{Gemma2, ``, func(c Config) any {
			return []float64{c.AttentionSoftCap, c.LogitSoftCap, c.QueryScalar, float64(c.Window(0)), float64(c.Window(1)), float64(c.PAD)}
		}, []float64{50, 30, 256, 4096, 0, 0}},
		{Gemma2, `,"attn_logit_softcapping":null,"final_logit_softcapping":null`, func(c Config) any { return c.AttentionSoftCap + c.LogitSoftCap }, 0.0},
		{Gemma3, `,"sliding_window_pattern":2`, func(c Config) any { return c.Sliding }, []bool{true, false, true, false}},
		{Gemma3, ``, func(c Config) any { return [2]float64{c.RopeTheta, c.LocalTheta} }, [2]float64{1e6, 1e4}},
		{SmolLM3, ``, func(c Config) any { return c.NoRope }, []bool{false, false, false, true}},
		{SmolLM3, `,"no_rope_layers":[0,1,1,1]`, func(c Config) any { return c.NoRope }, []bool{true, false, false, false}},
		{SmolLM3, ``, func(c Config) any { return c.RopeTheta }, 2e6},
		{Phi, ``, func(c Config) any { return c.RotaryDim() }, 2},
		{GPTNeoX, `,"rotary_pct":0.5,"rotary_emb_base":77`, func(c Config) any { return [2]float64{float64(c.RotaryDim()), c.RopeTheta} }, [2]float64{2, 77}},
		{OPT, `,"ffn_dim":24,"word_embed_proj_dim":8,"do_layer_norm_before":false`, func(c Config) any { return []any{c.EmbedWidth(), c.PostNorm, c.NoFinalNorm, c.PAD} }, []any{8, true, true, 1}},
		{Granite, ``, func(c Config) any { return c.AttentionScale() }, 1.0},
		{Llama, `,"eos_token_id":null`, func(c Config) any { return len(c.EOS) }, 0},
		{Llama, ``, func(c Config) any { return c.EOS }, []int{2}},
		{Llama, `,"original_max_position_embeddings":99,"rope_scaling":{"rope_type":"yarn","factor":2.0,"original_max_position_embeddings":7}`,
			func(c Config) any { return c.Rope.OriginalPositions }, 99},
	} {
		if got := c.got(parse(t, c.family, c.more)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s%s: %v, want %v", c.family, c.more, got, c.want)
		}
	}
}
