package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a confidence interval in the units of its data.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Contains tells whether v lies in the interval, ends included.
func (i Interval) Contains(v float64) bool { return i.Low <= v && v <= i.High }

var normal = distuv.Normal{Mu: 0, Sigma: 1}

// Wilson is the score interval of a proportion of successes out of n at the
// confidence level (0.95), without continuity correction (Wilson 1927,
// doi:10.1080/01621459.1927.10502953). n = 0 gives [0, 1]. No success has 0 as
// its low end, and no failure 1 as its high end, exactly.
func Wilson(successes, n int, level float64) Interval {
	if n == 0 {
		return Interval{0, 1}
	}
	z := normal.Quantile(0.5 + level/2)
	p, m := float64(successes)/float64(n), float64(n)
	centre := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	i := Interval{max(0, centre-half), min(1, centre+half)}
	if successes == 0 { // rounding leaves a few 1e-17 of what is 0 on paper
		i.Low = 0
	}
	if successes == n {
		i.High = 1
	}
	return i
}

// TInterval is Student's interval of the mean of values, such as one score a
// seed (Student 1908, doi:10.1093/biomet/6.1.1). Fewer than two values give
// NaN for both ends.
func TInterval(values []float64, level float64) Interval {
	if len(values) < 2 {
		return Interval{math.NaN(), math.NaN()}
	}
	mean, sd := meanSD(values)
	n := float64(len(values))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.5 + level/2)
	half := t * sd / math.Sqrt(n)
	return Interval{mean - half, mean + half}
}

// meanSD is the mean and the sample standard deviation (n-1); sd is 0 for one
// value.
func meanSD(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	if len(values) < 2 {
		return mean, 0
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / float64(len(values)-1))
}

// percentiles is the percentile interval of replicates, with linear
// interpolation between order statistics (Hyndman and Fan 1996, type 7, the
// default of NumPy). It sorts a copy.
func percentiles(replicates []float64, level float64) Interval {
	s := slices.Clone(replicates)
	slices.Sort(s)
	at := func(p float64) float64 {
		h := p * float64(len(s)-1)
		i := int(h)
		if i+1 >= len(s) {
			return s[len(s)-1]
		}
		return s[i] + (h-float64(i))*(s[i+1]-s[i])
	}
	return Interval{at((1 - level) / 2), at((1 + level) / 2)}
}

// StdErr is the standard error of the mean of values: the sample standard
// deviation over the square root of n. Fewer than two values give NaN.
func StdErr(values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	_, sd := meanSD(values)
	return sd / math.Sqrt(float64(len(values)))
}
