package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Sample is one method's scores on a crossed design: every seed answers the
// same items.
type Sample struct {
	Values  [][]float64 // [seed][item]
	Weights []float64   // [item], such as token counts; nil for equal weights
}

// Bootstrap is the outcome of a bootstrap of a mean.
type Bootstrap struct {
	Mean     float64   // on the data itself
	SE       float64   // standard deviation of the replicates
	Interval Interval  // percentile interval at the level asked for
	P        float64   // two-sided p of "the mean is 0"
	Draws    []float64 // the replicates, in draw order
}

// Resampling sets a bootstrap. The zero value means 2000 replicates, level
// 0.95 and seed 0.
type Resampling struct {
	Replicates int
	Level      float64
	Seed       uint64
}

func (r Resampling) defaults() Resampling {
	if r.Replicates == 0 {
		r.Replicates = 2000
	}
	if r.Level == 0 {
		r.Level = 0.95
	}
	return r
}

// BootstrapMean is the percentile bootstrap of the mean of values over items
// (Efron and Tibshirani 1993, chapter 13). weights may be nil.
func BootstrapMean(values, weights []float64, r Resampling) Bootstrap {
	return Hierarchical(Sample{Values: [][]float64{values}, Weights: weights}, r)
}

// PairedBootstrap is BootstrapMean of a[i]-b[i], which keeps the pairs
// together (Koehn 2004, section 3, for the idea in NLP). It panics when the
// lengths differ.
func PairedBootstrap(a, b, weights []float64, r Resampling) Bootstrap {
	return HierarchicalPaired(Sample{[][]float64{a}, weights}, Sample{[][]float64{b}, weights}, r)
}

// HierarchicalPaired is Hierarchical of the differences a-b, paired by seed
// and by item. A sample with one seed is held constant against all the
// other's seeds. It panics when the shapes do not fit.
func HierarchicalPaired(a, b Sample, r Resampling) Bootstrap {
	n := max(len(a.Values), len(b.Values))
	if len(a.Values) != n && len(a.Values) != 1 || len(b.Values) != n && len(b.Values) != 1 {
		panic(fmt.Sprintf("stats.HierarchicalPaired: %d seeds against %d; give equal numbers, or one", len(a.Values), len(b.Values)))
	}
	d := Sample{Weights: a.Weights}
	for s := range n {
		d.Values = append(d.Values, difference(a.Values[s%len(a.Values)], b.Values[s%len(b.Values)]))
	}
	return Hierarchical(d, r)
}

func difference(a, b []float64) []float64 {
	if len(a) != len(b) {
		panic(fmt.Sprintf("stats: %d scores against %d; a paired test needs the same items on both sides", len(a), len(b)))
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// Hierarchical is the percentile bootstrap of the mean over seeds and items
// together: a replicate draws items with replacement, once for all seeds, and
// seeds with replacement (the two-way bootstrap of Owen 2007,
// doi:10.1214/07-AOAS122; for seeds and test examples, Bouthillier et al.
// 2021, section 3). Of n > 1 seeds it draws n-1, so that the variance between
// seeds is estimated without the (n-1)/n bias that matters for few seeds (Rao
// and Wu 1988, doi:10.1080/01621459.1988.10478591). The p-value is twice the
// smaller share of replicates on either side of 0, with one added to count
// and total (Davison and Hinkley 1997, equation 4.11).
// It panics for no seeds, no items or a ragged sample.
func Hierarchical(s Sample, r Resampling) Bootstrap {
	r = r.defaults()
	seeds := len(s.Values)
	if seeds == 0 || len(s.Values[0]) == 0 {
		panic("stats.Hierarchical: no scores; give at least one seed and one item")
	}
	items := len(s.Values[0])
	for i, v := range s.Values {
		if len(v) != items || s.Weights != nil && len(s.Weights) != items {
			panic(fmt.Sprintf("stats.Hierarchical: seed row %d has %d items and the first has %d (weights %d); give every seed the same items", i, len(v), items, len(s.Weights)))
		}
	}
	rng := rand.New(rand.NewPCG(r.Seed, 0x7475_6e65_6c61_62))
	draws := make([]float64, r.Replicates)
	count := make([]float64, items)
	low, high := 0, 0
	for b := range draws {
		clear(count)
		for range items {
			count[rng.IntN(items)]++
		}
		total := 0.0
		if s.Weights != nil {
			for i, w := range s.Weights {
				count[i] *= w
			}
		}
		for _, c := range count {
			total += c
		}
		sum, picks := 0.0, max(1, seeds-1)
		for range picks {
			row := s.Values[0]
			if seeds > 1 {
				row = s.Values[rng.IntN(seeds)]
			}
			for i, c := range count {
				sum += c * row[i]
			}
		}
		draws[b] = sum / (total * float64(picks))
		if draws[b] <= 0 {
			low++
		}
		if draws[b] >= 0 {
			high++
		}
	}
	_, se := meanSD(draws)
	return Bootstrap{Mean: s.mean(), SE: se, Interval: percentiles(draws, r.Level), Draws: draws,
		P: math.Min(1, 2*float64(min(low, high)+1)/float64(r.Replicates+1))}
}

// mean is the (weighted) mean over items, averaged over seeds.
func (s Sample) mean() float64 {
	sum := 0.0
	for _, row := range s.Values {
		part, total := 0.0, 0.0
		for i, v := range row {
			w := 1.0
			if s.Weights != nil {
				w = s.Weights[i]
			}
			part, total = part+w*v, total+w
		}
		sum += part / total
	}
	return sum / float64(len(s.Values))
}
