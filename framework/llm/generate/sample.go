package generate

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// draw picks the next token from a row of logits and gives the natural log of
// its probability after temperature.
func draw(logits []float32, o *Options, rng *rand.Rand) (id int, logProb float64) {
	if o.Temperature == 0 {
		best := 0
		for i, v := range logits {
			if v > logits[best] {
				best = i
			}
		}
		return best, logProbOf(logits, best, 1)
	}
	p := probabilities(logits, o.Temperature)
	keep := likeliest(p, o.TopK, o.TopP)
	total := 0.0
	for _, i := range keep {
		total += p[i]
	}
	u := rng.Float64() * total
	id = keep[len(keep)-1] // where rounding leaves u at the end
	for _, i := range keep {
		if u < p[i] {
			id = i
			break
		}
		u -= p[i]
	}
	return id, logProbOf(logits, id, o.Temperature)
}

// logProbOf is ln softmax(logits/temperature)[id], in float64.
func logProbOf(logits []float32, id int, temperature float64) float64 {
	top := float64(logits[0])
	for _, v := range logits {
		top = max(top, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp((float64(v) - top) / temperature)
	}
	return (float64(logits[id])-top)/temperature - math.Log(sum)
}

func probabilities(logits []float32, temperature float64) []float64 {
	top := float64(logits[0])
	for _, v := range logits {
		top = max(top, float64(v))
	}
	p, sum := make([]float64, len(logits)), 0.0
	for i, v := range logits {
		p[i] = math.Exp((float64(v) - top) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// likeliest gives the ids to draw from: all of them in order of id, or after
// top-k and then top-p the likeliest first, ties by id. Top-p works on the
// probabilities renormalised after top-k, as transformers' warpers do.
func likeliest(p []float64, topK int, topP float64) []int {
	ids := make([]int, len(p))
	for i := range ids {
		ids[i] = i
	}
	limited := topK > 0 && topK < len(p)
	nucleus := topP > 0 && topP < 1
	if !limited && !nucleus {
		return ids
	}
	sort.SliceStable(ids, func(a, b int) bool { return p[ids[a]] > p[ids[b]] })
	if limited {
		ids = ids[:topK]
	}
	if nucleus {
		total, sum := 0.0, 0.0
		for _, i := range ids {
			total += p[i]
		}
		for n, i := range ids {
			if sum += p[i]; sum >= topP*total {
				return ids[:n+1]
			}
		}
	}
	return ids
}

// penalised is a copy of the logits in which what was said already is less
// likely.
func penalised(logits []float32, penalty float32, said ...[]int) []float32 {
	out := slices.Clone(logits)
	for _, ids := range said {
		for _, id := range ids {
			if x := logits[id]; x > 0 {
				out[id] = x / penalty
			} else {
				out[id] = x * penalty
			}
		}
	}
	return out
}
