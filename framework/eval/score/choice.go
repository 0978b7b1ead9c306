package score

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// Argmax returns the index of the largest score, the first of ties. NaN never
// wins. It returns -1 when there is no score, or none that is a number.
func Argmax(scores []float64) int {
	best := -1
	for i, v := range scores {
		if !math.IsNaN(v) && (best < 0 || v > scores[best]) {
			best = i
		}
	}
	return best
}

// NormaliseByChars divides each option's log-likelihood (nats) by the option's
// length in characters (Unicode code points), as acc_norm of EleutherAI's
// lm-evaluation-harness does (there, len of a Python string). An empty option
// counts as one character. It panics when the lengths differ.
func NormaliseByChars(loglik []float64, options []string) []float64 {
	if len(loglik) != len(options) {
		panic(fmt.Sprintf("score.NormaliseByChars: %d log-likelihoods for %d options; give one for each option", len(loglik), len(options)))
	}
	out := make([]float64, len(loglik))
	for i, v := range loglik {
		out[i] = v / float64(max(1, utf8.RuneCountInString(options[i])))
	}
	return out
}

// Win scores a comparison of two rewards from a's side: 1 for a higher, 0.5
// for equal, 0 for lower. A NaN never wins, and two NaN are a tie.
func Win(a, b float64) float64 {
	switch {
	case a > b || !math.IsNaN(a) && math.IsNaN(b):
		return 1
	case a == b || math.IsNaN(a) && math.IsNaN(b):
		return 0.5
	}
	return 0
}
