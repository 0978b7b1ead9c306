package embed

import (
	"math"
	"slices"
)

// Poolings: what becomes of the hidden states of a text's n tokens, after the
// model's last norm. They bear the names of sentence-transformers.
const (
	None         = "none"                 // they are left as they are
	CLS          = "cls"                  // that of the first token
	Max          = "max"                  // the largest of each component
	Mean         = "mean"                 // their mean
	MeanSqrt     = "mean_sqrt_len_tokens" // their sum divided by the root of n
	WeightedMean = "weightedmean"         // their mean, the i-th token from 1 weighing i (Muennighoff 2022, arXiv:2202.08904)
	LastToken    = "lasttoken"            // that of the last token, which alone has seen all of them in a decoder
)

// Poolings are all of them, None first.
var Poolings = []string{None, CLS, Max, Mean, MeanSqrt, WeightedMean, LastToken}

// pool makes one vector [c] of hidden states [n][c], the first skip of which are
// passed over; skip < n. Sums are in float64.
func pool(mode string, rows []float32, c, skip int) []float32 {
	n := len(rows) / c
	switch mode {
	case CLS:
		return slices.Clone(rows[skip*c : (skip+1)*c])
	case LastToken:
		return slices.Clone(rows[(n-1)*c:])
	case Max:
		out := slices.Clone(rows[skip*c : (skip+1)*c])
		for i := (skip + 1) * c; i < len(rows); i++ {
			out[i%c] = max(out[i%c], rows[i])
		}
		return out
	}
	sum, weights := make([]float64, c), 0.0
	for i := skip; i < n; i++ {
		w := 1.0
		if mode == WeightedMean {
			w = float64(i + 1)
		}
		weights += w
		for j, v := range rows[i*c : (i+1)*c] {
			sum[j] += w * float64(v)
		}
	}
	if mode == MeanSqrt {
		weights = math.Sqrt(weights)
	}
	out := make([]float32, c)
	for j, v := range sum {
		out[j] = float32(v / weights)
	}
	return out
}
