package checkpoint

import (
	"fmt"
	"math"
	"strings"
)

// Rope is how rotary frequencies are changed for contexts longer than those of
// training (transformers, modeling_rope_utils.py). The zero value changes
// nothing.
type Rope struct {
	Type   string  // "": none; "linear", "llama3" or "yarn"
	Factor float64 // how many times longer
	// OriginalPositions is the context of training, in tokens; llama3 and yarn.
	OriginalPositions int
	// LowFreq and HighFreq bound the band that llama3 interpolates in, in turns
	// over the original context.
	LowFreq, HighFreq float64
	// BetaFast and BetaSlow bound the band of yarn likewise; Fractional leaves
	// its ends unrounded (truncate = false). Turned channels are multiplied by
	// AttentionFactor.
	BetaFast, BetaSlow, AttentionFactor float64
	Fractional                          bool
}

// rope reads the base of the rotary frequencies and their scaling: rope_theta
// and rope_scaling (transformers 4) or rope_parameters (transformers 5).
func (f *Fields) rope(theta float64, positions int) (float64, Rope) {
	theta = f.Num("rope_theta", theta)
	f.wholeHead()
	sub, ok := f.ropeObject()
	if !ok {
		return theta, Rope{}
	}
	sub.wholeHead()
	theta, r := sub.Num("rope_theta", theta), sub.scaling(f, positions)
	f.Adopt(sub)
	return theta, r
}

func (f *Fields) wholeHead() {
	if p := f.Num("partial_rotary_factor", 1); p != 1 {
		f.Fail("partial_rotary_factor", "%g is not supported in this family; only 1 is", p)
	}
}

// ropeObject is the object that counts: rope_scaling if it holds anything.
func (f *Fields) ropeObject() (*Fields, bool) {
	for _, name := range []string{"rope_scaling", "rope_parameters"} {
		if sub := f.Object(name); len(sub.m) > 0 {
			return sub, true
		}
	}
	return nil, false
}

// scaling reads the object itself; top has the fields beside it.
func (f *Fields) scaling(top *Fields, positions int) Rope {
	r := Rope{Type: f.Str("rope_type", f.Str("type", "default"))}
	switch r.Type {
	case "default":
		return Rope{}
	case "linear":
		r.Factor = f.Num("factor", 0)
		return r
	case "llama3":
		r.LowFreq, r.HighFreq = f.Num("low_freq_factor", 0), f.Num("high_freq_factor", 0)
	case "yarn":
		r.BetaFast, r.BetaSlow = or(f.Num("beta_fast", 0), 32), or(f.Num("beta_slow", 0), 1)
		r.Fractional = !f.Flag("truncate", true)
	case "dynamic":
		f.Fail("rope_type", `"dynamic" (NTK) is not supported: its frequencies depend on the length of the sequence. Up to max_position_embeddings tokens, `+
			`the longest that are taken here, they are the unscaled ones: write "rope_type": "default" in place of the type`)
	default:
		f.Fail("rope_type", "%q is not supported; supported are default, linear, llama3 and yarn", r.Type)
	}
	r.OriginalPositions = top.Int("original_max_position_embeddings", f.Int("original_max_position_embeddings", positions))
	r.Factor = f.Num("factor", 0)
	if f.Null("factor") && r.OriginalPositions > 0 {
		r.Factor = float64(positions) / float64(r.OriginalPositions)
	}
	if r.Type == "yarn" {
		r.AttentionFactor = f.Num("attention_factor", yarnFactor(r.Factor, f.Num("mscale", 0), f.Num("mscale_all_dim", 0)))
	}
	return r
}

// yarnFactor is the default of attention_factor (Peng et al. 2023,
// arXiv:2309.00071, equation 22, with DeepSeek's two weights).
func yarnFactor(factor, mscale, mscaleAll float64) float64 {
	weight := func(w float64) float64 {
		if factor <= 1 {
			return 1
		}
		return 0.1*w*math.Log(factor) + 1
	}
	if mscale != 0 && mscaleAll != 0 {
		return weight(mscale) / weight(mscaleAll)
	}
	return weight(1)
}

func or(v, otherwise float64) float64 {
	if v == 0 {
		return otherwise
	}
	return v
}

func (r Rope) validate() error {
	for _, v := range []struct {
		name  string
		value float64
		of    string
	}{{"factor", r.Factor, "linear llama3 yarn"}, {"low_freq_factor", r.LowFreq, "llama3"}, {"high_freq_factor", r.HighFreq - r.LowFreq, "llama3"},
		{"original_max_position_embeddings", float64(r.OriginalPositions), "llama3 yarn"}, {"beta_slow", r.BetaSlow, "yarn"},
		{"beta_fast", r.BetaFast, "yarn"}, {"attention_factor", r.AttentionFactor, "yarn"}} {
		if r.Type != "" && strings.Contains(v.of, r.Type) && !(v.value > 0) {
			return fmt.Errorf("rope_scaling.%s: is missing or not positive, which %q needs", v.name, r.Type)
		}
	}
	return nil
}

// fields is the object as both versions of transformers read it.
func (r Rope) fields() map[string]any {
	switch r.Type {
	case "":
		return map[string]any{"rope_type": "default"}
	case "linear":
		return map[string]any{"rope_type": "linear", "factor": r.Factor}
	case "llama3":
		return map[string]any{"rope_type": "llama3", "factor": r.Factor, "original_max_position_embeddings": r.OriginalPositions,
			"low_freq_factor": r.LowFreq, "high_freq_factor": r.HighFreq}
	}
	return map[string]any{"rope_type": r.Type, "factor": r.Factor, "original_max_position_embeddings": r.OriginalPositions,
		"beta_fast": r.BetaFast, "beta_slow": r.BetaSlow, "attention_factor": r.AttentionFactor, "truncate": !r.Fractional}
}
