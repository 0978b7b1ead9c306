package score

import (
	"fmt"
	"math"
)

// Mean returns the mean of values and its standard error, the sample standard
// deviation (n-1) over the square root of n. One value has a NaN standard
// error; no value gives NaN for both.
func Mean(values []float64) (mean, stderr float64) {
	n := float64(len(values))
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	for _, v := range values {
		mean += v
	}
	mean /= n
	if n == 1 {
		return mean, math.NaN()
	}
	ss := 0.0
	for _, v := range values {
		ss += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(ss / (n - 1) / n)
}

// MacroF1 is the unweighted mean of the labels' F1 scores, as scikit-learn's
// f1_score(average="macro") gives it: over the labels that occur in pred or
// gold, with 0 for a label that is never both. Labels are 0..labels-1; a
// prediction outside that (-1: none) is wrong for its gold label and counts
// for no other. It returns NaN for no items and panics when the lengths
// differ or a gold label is out of range.
func MacroF1(pred, gold []int, labels int) float64 {
	if len(pred) != len(gold) {
		panic(fmt.Sprintf("score.MacroF1: %d predictions for %d gold labels; give one for each", len(pred), len(gold)))
	}
	tp, fp, fn := make([]int, labels), make([]int, labels), make([]int, labels)
	for i, g := range gold {
		if g < 0 || g >= labels {
			panic(fmt.Sprintf("score.MacroF1: gold label %d of item %d is not in 0..%d", g, i, labels-1))
		}
		p := pred[i]
		if p == g {
			tp[g]++
			continue
		}
		fn[g]++
		if p >= 0 && p < labels {
			fp[p]++
		}
	}
	sum, seen := 0.0, 0
	for k := range labels {
		if d := 2*tp[k] + fp[k] + fn[k]; d > 0 {
			sum += 2 * float64(tp[k]) / float64(d)
			seen++
		}
	}
	if seen == 0 {
		return math.NaN()
	}
	return sum / float64(seen)
}
