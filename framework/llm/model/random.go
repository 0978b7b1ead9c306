package model

import (
	"math"
	"math/rand/v2"

	"github.com/tunelab/tunelab/framework/compute"
)

// Random draws weights in the order in which they are made: normal with a standard
// deviation, which is divided by sqrt(2 layers) where they write to the residual
// stream (Radford et al. 2019, section 2.3), norms the identity, biases 0.
func Random(std float64, layers int, rng *rand.Rand) Source {
	return Source{Floats: func(_ string, shape []int, k Kind) (func(dst []float32) error, error) {
		data := make([]float32, compute.NumElements(shape)) // drawn now
		fill := func(dst []float32) error { copy(dst, data); return nil }
		std := std
		switch k {
		case Bias, GainOver1:
			return fill, nil
		case Gain:
			for i := range data {
				data[i] = 1
			}
			return fill, nil
		case Residual:
			std /= math.Sqrt(2 * float64(layers))
		}
		for i := range data {
			data[i] = float32(rng.NormFloat64() * std)
		}
		return fill, nil
	}}
}
