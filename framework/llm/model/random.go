package model

import (
	"math"
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

func randomWeights(cfg checkpoint.Config, rng *rand.Rand) source {
	return func(_ string, shape []int, k kind) (func(dst []float32) error, error) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]float32, n) // drawn now, in Params' order
		fill := func(dst []float32) error { copy(dst, data); return nil }
		std := cfg.InitStd
		switch k {
		case bias, gainOver1:
			return fill, nil
		case gain:
			for i := range data {
				data[i] = 1
			}
			return fill, nil
		case residual:
			std /= math.Sqrt(2 * float64(cfg.Layers))
		}
		for i := range data {
			data[i] = float32(rng.NormFloat64() * std)
		}
		return fill, nil
	}
}
