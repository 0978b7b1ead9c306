package main

import (
	"math"
	"sort"
	"strings"
	"unicode"

	"github.com/tunelab/tunelab/framework/spec"
)

// index ranks examples by the cosine of TF-IDF vectors (Salton and Buckley
// 1988, term frequency times log inverse document frequency).
type index struct {
	pool []spec.Example
	idf  map[string]float64
	docs []map[string]float64
	norm []float64
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func newIndex(pool []spec.Example) *index {
	x := &index{pool: pool, idf: map[string]float64{}}
	for _, e := range pool {
		tf := map[string]float64{}
		for _, w := range words(e.Prompt) {
			tf[w]++
		}
		for w := range tf {
			x.idf[w]++
		}
		x.docs = append(x.docs, tf)
	}
	for w, n := range x.idf {
		x.idf[w] = math.Log(float64(1+len(pool)) / (1 + n))
	}
	for _, d := range x.docs {
		x.norm = append(x.norm, math.Sqrt(x.dot(d, d)))
	}
	return x
}

// dot sums over a's words in sorted order, so that the last bit never depends
// on a map's order.
func (x *index) dot(a, b map[string]float64) float64 {
	keys := make([]string, 0, len(a))
	for w := range a {
		keys = append(keys, w)
	}
	sort.Strings(keys)
	sum := 0.0
	for _, w := range keys {
		sum += a[w] * b[w] * x.idf[w] * x.idf[w]
	}
	return sum
}

// top gives the k examples nearest to a text, the nearest last; ties go to the
// earlier example.
func (x *index) top(text string, k int) []spec.Example {
	q := map[string]float64{}
	for _, w := range words(text) {
		q[w]++
	}
	score := make([]float64, len(x.docs))
	order := make([]int, len(x.docs))
	for i, d := range x.docs {
		order[i] = i
		if x.norm[i] > 0 {
			score[i] = x.dot(q, d) / x.norm[i]
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return score[order[a]] > score[order[b]] })
	k = min(k, len(order))
	out := make([]spec.Example, k)
	for j := range k {
		out[k-1-j] = x.pool[order[j]]
	}
	return out
}
