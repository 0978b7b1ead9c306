package encoder

import (
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
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
	read: func(f *checkpoint.Fields) Config {
		f.Refuse("head_dim", "heads of this family are hidden_size / num_attention_heads wide")
		c := Config{
			VocabSize:        f.Int("vocab_size", 0),
			HiddenSize:       f.Int("hidden_size", 0),
			IntermediateSize: f.Int("intermediate_size", 0),
			Layers:           f.Int("num_hidden_layers", 0),
			Heads:            f.Int("num_attention_heads", 0),
			MaxPositions:     f.Int("max_position_embeddings", 8192),
			NormEps:          f.Num("norm_eps", 1e-5),
			Activation:       f.Str("hidden_activation", "gelu"),
			TieEmbeddings:    f.Flag("tie_word_embeddings", true),
			AttentionBias:    f.Flag("attention_bias", false),
			MLPBias:          f.Flag("mlp_bias", false),
			NormBias:         f.Flag("norm_bias", false),
			HeadActivation:   f.Str("classifier_activation", "gelu"),
			LabelPooling:     f.Str("classifier_pooling", CLS),
			HeadBias:         f.Flag("classifier_bias", false),
			DecoderBias:      f.Flag("decoder_bias", true),
			PAD:              f.ID("pad_token_id", 50283),
			PadPosition:      -1,
			Rotary:           true,
		}
		c.GlobalTheta, c.LocalTheta = thetas(f)
		every := f.Int("global_attn_every_n_layers", 3) // from one global layer to the next
		if every < 1 {
			f.Fail("global_attn_every_n_layers", "%d is not positive", every)
			return c
		}
		c.Local = f.Sliding(min(c.Layers, checkpoint.MaxLayers), func(layer int) bool { return layer%every != 0 })
		window := f.Int("local_attention", 128)
		if c.LocalDistance = window / 2; slices.Contains(c.Local, true) && c.LocalDistance < 1 {
			f.Fail("local_attention", "%d leaves a local layer without neighbours", window)
		}
		return c
	},
}

// thetas reads the bases of the rotary frequencies of global and local layers:
// global_rope_theta and local_rope_theta (transformers 4, where null means the
// global one) or rope_parameters by kind of layer (transformers 5).
func thetas(f *checkpoint.Fields) (global, local float64) {
	f.Refuse("rope_scaling", "load a model without scaled rotary positions")
	global = f.Num("global_rope_theta", 160000)
	otherwise := 10000.0
	if f.Null("local_rope_theta") {
		otherwise = global
	}
	local = f.Num("local_rope_theta", otherwise)
	all := f.Object("rope_parameters")
	for _, kind := range []struct {
		name  string
		theta *float64
	}{{checkpoint.FullAttention, &global}, {checkpoint.SlidingAttention, &local}} {
		one := all.Object(kind.name)
		one.MustBe("rope_type", "default")
		if part := one.Num("partial_rotary_factor", 1); part != 1 {
			one.Fail("partial_rotary_factor", "%g is not supported, only 1", part)
		}
		*kind.theta = one.Num("rope_theta", *kind.theta)
		f.Adopt(one)
	}
	for _, name := range all.Names() {
		if name != checkpoint.FullAttention && name != checkpoint.SlidingAttention {
			all.Fail(name, "is not supported; give %s and %s", checkpoint.FullAttention, checkpoint.SlidingAttention)
		}
	}
	f.Adopt(all)
	return global, local
}
