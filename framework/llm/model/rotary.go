package model

import (
	"math"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// rotary are the positions of a layer: frequencies in radians per position, and
// the factor of the turned channels.
type rotary struct {
	invFreq []float32
	factor  float32
}

func (r *rotary) apply(t *autograd.Tape, x *autograd.Var, pos []int32, heads, headDim int) *autograd.Var {
	return t.RopeScaled(x, pos, heads, headDim, r.invFreq, r.factor)
}

// newRotary computes the frequencies of d channels, rounded to float32 where
// transformers rounds (modeling_rope_utils.py).
func newRotary(theta float64, d int, s checkpoint.Rope) *rotary {
	r := &rotary{invFreq: RotaryFrequencies(theta, d), factor: 1}
	switch s.Type {
	case "linear":
		for j := range r.invFreq {
			r.invFreq[j] /= float32(s.Factor)
		}
	case "llama3":
		llama3(r.invFreq, s)
	case "yarn":
		yarn(r.invFreq, theta, d, s)
		r.factor = float32(s.AttentionFactor)
	}
	return r
}

// RotaryFrequencies of d channels are 1/theta^(2j/d), in radians per position, for
// j below d/2 (_compute_default_rope_parameters).
func RotaryFrequencies(theta float64, d int) []float32 {
	f := make([]float32, d/2)
	for j := range f {
		exponent := float32(2*j) / float32(d)
		f[j] = 1 / float32(math.Pow(theta, float64(exponent)))
	}
	return f
}

// llama3 divides low frequencies by the factor and leaves high ones, with a
// ramp between (_compute_llama3_parameters; Llama 3.1).
func llama3(freq []float32, s checkpoint.Rope) {
	old, factor := float32(s.OriginalPositions), float32(s.Factor)
	low, high := float32(float64(s.OriginalPositions)/s.LowFreq), float32(float64(s.OriginalPositions)/s.HighFreq)
	for j, f := range freq {
		wave := float32(2*math.Pi) / f
		switch {
		case wave > low:
			freq[j] = f / factor
		case wave >= high:
			smooth := (old/wave - float32(s.LowFreq)) / float32(s.HighFreq-s.LowFreq)
			freq[j] = (1-smooth)*f/factor + smooth*f
		}
	}
}

// yarn interpolates frequencies that turn seldom over the original context and
// leaves those that turn often (_compute_yarn_parameters; Peng et al. 2023,
// arXiv:2309.00071, section 3.2).
func yarn(freq []float32, theta float64, d int, s checkpoint.Rope) {
	turns := func(n float64) float64 { // the channel that turns n times
		return float64(d) * math.Log(float64(s.OriginalPositions)/(n*2*math.Pi)) / (2 * math.Log(theta))
	}
	low, high := turns(s.BetaFast), turns(s.BetaSlow)
	if !s.Fractional {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(d-1))
	if low == high {
		high += 0.001
	}
	for j, f := range freq {
		ramp := min(max((float32(j)-float32(low))/float32(high-low), 0), 1)
		keep := 1 - ramp
		freq[j] = 1/(float32(s.Factor)*(1/f))*(1-keep) + f*keep
	}
}
