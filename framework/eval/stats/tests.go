package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// McNemar is the exact two-sided test that two classifiers err equally often
// on the same items: onlyA items that only A has right, onlyB only B. The
// p-value is binomial on the discordant pairs with probability 1/2 (McNemar
// 1947; the exact form as statsmodels' mcnemar(exact=True)). No discordant
// pair gives 1.
func McNemar(onlyA, onlyB int) float64 {
	n, k := onlyA+onlyB, min(onlyA, onlyB)
	if n == 0 {
		return 1
	}
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	p := 0.0
	for i := range k + 1 {
		p += math.Exp(lg(n) - lg(i) - lg(n-i) - float64(n)*math.Ln2)
	}
	return math.Min(1, 2*p)
}

// Discordant counts the items that only a and only b has right; scores are
// above 0.5 for right. It panics when the lengths differ.
func Discordant(a, b []float64) (onlyA, onlyB int) {
	for i, d := range difference(a, b) {
		switch {
		case d > 0 && a[i] > 0.5:
			onlyA++
		case d < 0 && b[i] > 0.5:
			onlyB++
		}
	}
	return onlyA, onlyB
}

// exactFlips is the largest number of pairs for which every assignment of
// signs is walked (2^20 of them).
const exactFlips = 20

// SignFlip is the two-sided paired permutation test that the differences,
// one a seed, are symmetric around 0 (Fisher 1935, section 21; Pitman 1937).
// The statistic is the absolute sum. Up to 20 differences it is exact; above,
// it draws 2^20 sign assignments from the seed and adds one to count and
// total. It gives 1 for no differences, and where one is not finite.
func SignFlip(differences []float64, seed uint64) float64 {
	n := len(differences)
	if n == 0 {
		return 1
	}
	observed, scale := 0.0, 0.0
	for _, d := range differences {
		if math.IsNaN(d) || math.IsInf(d, 0) { // nothing can be said
			return 1
		}
		observed += d
		scale += math.Abs(d)
	}
	// Equal sums in another order must count as ties.
	threshold := math.Abs(observed) - 1e-12*scale
	extreme := 0
	if n <= exactFlips {
		for bits := range uint64(1) << n {
			if math.Abs(flipped(differences, bits)) >= threshold {
				extreme++
			}
		}
		return float64(extreme) / float64(uint64(1)<<n)
	}
	rng := rand.New(rand.NewPCG(seed, 0x666c_6970))
	for range 1 << exactFlips {
		s := 0.0
		for from := 0; from < n; from += 64 {
			s += flipped(differences[from:min(n, from+64)], rng.Uint64())
		}
		if math.Abs(s) >= threshold {
			extreme++
		}
	}
	return float64(extreme+1) / float64(1<<exactFlips+1)
}

// flipped is the sum of at most 64 differences, negated where a bit is set.
func flipped(differences []float64, bits uint64) float64 {
	s := 0.0
	for i, d := range differences {
		if bits>>i&1 == 1 {
			d = -d
		}
		s += d
	}
	return s
}

// SignFlipFloor is the smallest p-value that SignFlip can give with n pairs:
// 2/2^n. Three seeds cannot go below 0.25; six reach 0.03125.
func SignFlipFloor(n int) float64 { return math.Min(1, math.Ldexp(2, -n)) }

// PairedSE is the standard error of the difference of two paired proportions,
// of n items of which onlyA and onlyB are answered right by one side alone,
// with half a pseudo-item on each discordant side and one on each concordant
// one (Agresti and Min 2005, doi:10.1002/sim.1781), so that two sides that
// agree on a handful of items are not taken for equal.
func PairedSE(onlyA, onlyB, n int) float64 {
	b, c, m := float64(onlyA)+0.5, float64(onlyB)+0.5, float64(n)+2
	return math.Sqrt(b+c-(b-c)*(b-c)/m) / m
}

// TOST is the p-value of the two one-sided tests that a difference lies
// within ±margin (Schuirmann 1987, doi:10.1007/BF01068419): the larger of the
// two one-sided p-values of a t statistic with the given standard error and
// degrees of freedom (df <= 0: normal). Small means equivalent. A standard
// error of 0, or one that is no number, says nothing of what was not seen, and
// gives 1: use PairedSE for binary scores.
func TOST(difference, stderr, df, margin float64) float64 {
	if !(stderr > 0) || math.IsNaN(difference) {
		return 1
	}
	upper := func(t float64) float64 {
		if df <= 0 {
			return normal.Survival(t)
		}
		return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Survival(t)
	}
	return max(upper((difference+margin)/stderr), upper((margin-difference)/stderr))
}

// Holm gives the adjusted p-values of a family of tests, in the order given
// (Holm 1979, Scandinavian Journal of Statistics 6). It keeps the family's
// error rate for any dependence between the tests.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	out, worst := make([]float64, len(p)), 0.0
	for rank, i := range order {
		worst = max(worst, math.Min(1, float64(len(p)-rank)*p[i]))
		out[i] = worst
	}
	return out
}
