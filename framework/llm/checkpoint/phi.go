package checkpoint

// Phi is Phi 1, 1.5 and 2 (transformers, configuration_phi.py).
const Phi = "phi"

var phiFamily = family{
	architecture: "PhiForCausalLM", ids: ids{1, 2, -1}, activation: "gelu_new", rotary: true,
	read: func(f *Fields) Config {
		c := f.llamaSizes(2048)
		c.NormEps = f.Num("layer_norm_eps", 1e-5)
		c.Activation = f.Str("hidden_act", "gelu_new")
		c.AttentionBias, c.MLPBias = true, true
		c.QKNorm = f.Flag("qk_layernorm", false)
		c.partialRope(f, f.Num("rope_theta", 10000), f.Num("partial_rotary_factor", 0.5))
		return c
	},
	write: func(c Config, m map[string]any) {
		writeLlamaLike(c, m)
		delete(m, "rms_norm_eps")
		m["layer_norm_eps"], m["qk_layernorm"] = c.NormEps, c.QKNorm
		m["partial_rotary_factor"] = or(c.RotaryFactor, 1)
	},
}
