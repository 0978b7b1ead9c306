package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Power is the chance to find a true difference that the sample sizes below
// are for (Cohen 1988).
const Power = 0.8

// Unreachable is what the sample sizes give when no number would do: there is
// no difference, or it would take more than this.
const Unreachable = 1_000_000

// ExamplesToResolve is about how many paired items a two-sided test at alpha
// needs to find, with power 0.8, a mean difference as large as the one seen:
// ((z(1-alpha/2)+z(0.8)) sd/|mean|)^2, the normal approximation (Chow, Shao
// and Wang 2008, section 3.1; for 0/1 scores close to Connor 1987 for
// McNemar). differences holds one value an item.
func ExamplesToResolve(differences []float64, alpha float64) int {
	if len(differences) == 0 {
		return Unreachable
	}
	mean, sd := meanSD(differences)
	z := normal.Quantile(1-alpha/2) + normal.Quantile(Power)
	n := math.Ceil(math.Pow(z*sd/math.Abs(mean), 2))
	if math.IsNaN(n) || n >= Unreachable {
		return Unreachable
	}
	return max(int(n), 2)
}

// SeedsToResolve is about how many seeds a paired test on seed-level scores
// needs to find, with power 0.8, a mean difference as large as the one seen:
// the smallest n with n >= ((t(1-alpha/2)+t(0.8)) sd/|mean|)^2 at n-1 degrees
// of freedom (Chow, Shao and Wang 2008, section 3.1), and no fewer than let
// the sign-flip test reach alpha (2/2^n < alpha; six for 0.05). differences
// holds one value a seed; fewer than two give Unreachable, for the spread is
// not known.
func SeedsToResolve(differences []float64, alpha float64) int {
	if len(differences) < 2 {
		return Unreachable
	}
	mean, sd := meanSD(differences)
	if mean == 0 {
		return Unreachable
	}
	n := SeedsForSignFlip(alpha)
	enough := func(n int) bool {
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}
		need := math.Pow((t.Quantile(1-alpha/2)+t.Quantile(Power))*sd/math.Abs(mean), 2)
		return float64(n) >= need
	}
	if enough(n) {
		return n
	}
	low, high := n, 2*n // enough(low) is false
	for !enough(high) {
		if low, high = high, 2*high; high >= Unreachable {
			return Unreachable
		}
	}
	for high-low > 1 {
		if mid := (low + high) / 2; enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// SeedsForSignFlip is the smallest number of seeds whose sign-flip test can
// give p < alpha.
func SeedsForSignFlip(alpha float64) int {
	n := 1
	for SignFlipFloor(n) >= alpha {
		n++
	}
	return n
}
