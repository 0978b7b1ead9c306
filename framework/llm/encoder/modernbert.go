package encoder

import (
	"maps"
	"math"
	"slices"
)

// ModernBERT (Warner et al. 2024, arXiv:2412.13663; transformers,
// modeling_modernbert.py): norms before the sublayers, rotary positions, local
// and global layers in turn, a gated MLP.
const ModernBERT = "modernbert"

var modernbertFamily = family{
	class: "ModernBertModel", mlmClass: "ModernBertForMaskedLM", prefix: "model.", preNorm: true,
	names: names{
		embed: "embeddings.tok_embeddings", embedNorm: "embeddings.norm", block: "layers",
		fused: "attn.Wqkv", o: "attn.Wo", attnNorm: "attn_norm", up: "mlp.Wi", down: "mlp.Wo", mlpNorm: "mlp_norm", gated: true,
		finalNorm: "final_norm",
	},
	mlm:   mlmNames{dense: "head.dense", norm: "head.norm", decoder: "decoder", bias: "decoder.bias"},
	label: labelNames{dense: "head.dense", norm: "head.norm", out: "classifier"},
	heads: []string{"classifier."},
	read: func(f *fields) Config {
		f.refuse("head_dim", "heads of this family are hidden_size / num_attention_heads wide")
		c := Config{
			VocabSize:        f.size("vocab_size", 0),
			HiddenSize:       f.size("hidden_size", 0),
			IntermediateSize: f.size("intermediate_size", 0),
			Layers:           f.size("num_hidden_layers", 0),
			Heads:            f.size("num_attention_heads", 0),
			MaxPositions:     f.size("max_position_embeddings", 8192),
			NormEps:          f.num("norm_eps", 1e-5),
			Activation:       f.str("hidden_activation", "gelu"),
			TieEmbeddings:    f.flag("tie_word_embeddings", true),
			AttentionBias:    f.flag("attention_bias", false),
			MLPBias:          f.flag("mlp_bias", false),
			NormBias:         f.flag("norm_bias", false),
			HeadActivation:   f.str("classifier_activation", "gelu"),
			LabelPooling:     f.str("classifier_pooling", CLS),
			HeadBias:         f.flag("classifier_bias", false),
			DecoderBias:      f.flag("decoder_bias", true),
			PadPosition:      -1,
			Rotary:           true,
		}
		c.GlobalTheta, c.LocalTheta = f.thetas()
		c.Local = f.localLayers(min(c.Layers, maxLayers))
		window := f.size("local_attention", 128)
		if c.LocalDistance = window / 2; slices.Contains(c.Local, true) && c.LocalDistance < 1 {
			f.fail("local_attention", "%d leaves a local layer without neighbours", window)
		}
		return c
	},
}

// Kinds of layers, in layer_types and rope_parameters.
const (
	fullAttention    = "full_attention"
	slidingAttention = "sliding_attention"
)

// thetas reads the bases of the rotary frequencies of global and local layers:
// global_rope_theta and local_rope_theta (transformers 4, where null means the
// global one) or rope_parameters by kind of layer (transformers 5).
func (f *fields) thetas() (global, local float64) {
	f.refuse("rope_scaling", "load a model without scaled rotary positions")
	global = f.num("global_rope_theta", 160000)
	otherwise := 10000.0
	if raw, ok := f.m["local_rope_theta"]; ok && string(raw) == "null" {
		otherwise = global
	}
	local = f.num("local_rope_theta", otherwise)
	all := f.object("rope_parameters")
	for _, kind := range []struct {
		name  string
		theta *float64
	}{{fullAttention, &global}, {slidingAttention, &local}} {
		one := all.object(kind.name)
		one.mustBe("rope_type", "default")
		if part := one.num("partial_rotary_factor", 1); part != 1 {
			one.fail("partial_rotary_factor", "%g is not supported, only 1", part)
		}
		*kind.theta = one.num("rope_theta", *kind.theta)
		f.adopt(one)
	}
	for _, name := range slices.Sorted(maps.Keys(all.m)) {
		if name != fullAttention && name != slidingAttention {
			all.fail(name, "is not supported; give %s and %s", fullAttention, slidingAttention)
		}
	}
	f.adopt(all)
	return global, local
}

func (f *fields) adopt(part *fields) {
	if f.err == nil {
		f.err = part.err
	}
}

// localLayers reads layer_types, or the number of layers from one global layer
// to the next.
func (f *fields) localLayers(layers int) []bool {
	local := make([]bool, max(layers, 0))
	kinds := decode[[]string](f, "layer_types", nil)
	every := f.size("global_attn_every_n_layers", 3)
	switch {
	case kinds != nil && len(kinds) != layers:
		f.fail("layer_types", "has %d entries for %d layers", len(kinds), layers)
		return local
	case every < 1:
		f.fail("global_attn_every_n_layers", "%d is not positive", every)
		return local
	}
	for i := range local {
		switch {
		case kinds == nil:
			local[i] = i%every != 0
		case kinds[i] == slidingAttention:
			local[i] = true
		case kinds[i] != fullAttention:
			f.fail("layer_types", "%q is not supported; supported are %s and %s", kinds[i], fullAttention, slidingAttention)
		}
	}
	return local
}

// frequencies are 1/theta^(2j/d), rounded to float32 where transformers rounds
// (compute_default_rope_parameters).
func frequencies(theta float64, d int) []float32 {
	f := make([]float32, d/2)
	for j := range f {
		exponent := float32(2*j) / float32(d)
		f[j] = 1 / float32(math.Pow(theta, float64(exponent)))
	}
	return f
}
