package stats

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.15g, want %.15g", name, got, want)
	}
}

// The expected values of the next tests are SciPy 1.17's: binomtest,
// proportion_ci(method="wilson"), t.interval, permutation_test.

func TestWilson(t *testing.T) {
	i := Wilson(7, 10, 0.95)
	near(t, "low", i.Low, 0.39677814746114526, 1e-9)
	near(t, "high", i.High, 0.892208732593699, 1e-9)
	if i = Wilson(0, 10, 0.95); i.Low != 0 || i.High <= 0 {
		t.Errorf("no successes: %v", i)
	}
	for n := 1; n <= 2000; n++ {
		if none, all := Wilson(0, n, 0.95), Wilson(n, n, 0.95); none.Low != 0 || all.High != 1 {
			t.Fatalf("n = %d: low %v of none, high %v of all", n, none.Low, all.High)
		}
	}
	if i = Wilson(0, 0, 0.95); i != (Interval{0, 1}) {
		t.Errorf("no trials: %v", i)
	}
}

func TestMcNemar(t *testing.T) {
	near(t, "5 of 20", McNemar(5, 15), 0.04138946533203125, 1e-12)
	near(t, "0 of 6", McNemar(6, 0), 0.03125, 1e-12)
	near(t, "40 of 100", McNemar(60, 40), 0.05688793364098089, 1e-12)
	near(t, "even", McNemar(3, 3), 1, 0)
	near(t, "none", McNemar(0, 0), 1, 0)
	a, b := Discordant([]float64{1, 1, 0, 0, 1}, []float64{1, 0, 1, 0, 0})
	if a != 2 || b != 1 {
		t.Errorf("Discordant = %d, %d", a, b)
	}
}

var sixSeeds = []float64{0.01, 0.02, 0.03, -0.01, 0.02, 0.04}

func TestTInterval(t *testing.T) {
	i := TInterval(sixSeeds, 0.95)
	near(t, "low", i.Low, 0.00025783892393412, 1e-9)
	near(t, "high", i.High, 0.03640882774273254, 1e-9)
	if i = TInterval([]float64{1}, 0.95); !math.IsNaN(i.Low) {
		t.Errorf("one value: %v", i)
	}
}

func TestSignFlip(t *testing.T) {
	near(t, "six", SignFlip(sixSeeds, 0), 0.09375, 0)
	near(t, "all one way", SignFlip([]float64{.1, .1, .1, .1, .1, .1}, 0), 0.03125, 0)
	near(t, "three", SignFlip([]float64{1, 1, 1}, 0), 0.25, 0)
	near(t, "zeros", SignFlip([]float64{0, 0}, 0), 1, 0)
	near(t, "floor", SignFlipFloor(6), 0.03125, 0)
	many := make([]float64, 70)
	for i := range many {
		many[i] = float64(i%3) - 1
	}
	p := SignFlip(many, 3)
	if p != SignFlip(many, 3) || p < 0.8 {
		t.Errorf("70 balanced differences: p = %v", p)
	}
}

func TestTOST(t *testing.T) {
	near(t, "t", TOST(0.01833333333333333, 0.007031674369909664, 5, 0.05), 0.0031896710462466994, 1e-9)
	near(t, "outside", TOST(0.03, 0, 5, 0.02), 1, 0)
	near(t, "no spread seen", TOST(0.01, 0, 5, 0.02), 1, 0)
	near(t, "no number", TOST(math.NaN(), 0.1, 5, 0.02), 1, 0)
	near(t, "on the margin", TOST(0.02, 0.01, 0, 0.02), 0.5, 1e-12)
}

func TestHolm(t *testing.T) {
	// Holm's procedure as in statsmodels' multipletests documentation: step-down, made monotone.
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "Holm", got[i], want, 1e-15)
	}
	if got = Holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Errorf("capped: %v", got)
	}
	if len(Holm(nil)) != 0 {
		t.Error("empty family")
	}
}

func TestToResolve(t *testing.T) {
	x := make([]float64, 100)
	for i := range 10 {
		x[i] = 1
	}
	for i := 10; i < 14; i++ {
		x[i] = -1
	}
	if n := ExamplesToResolve(x, 0.05); n != 301 { // ceil of 300.389, by SciPy
		t.Errorf("examples = %d", n)
	}
	if n := SeedsToResolve([]float64{0.03, -0.02, 0.01, 0.04}, 0.05); n != 27 { // by SciPy
		t.Errorf("seeds = %d", n)
	}
	if n := SeedsToResolve([]float64{0.1, 0.1001}, 0.05); n != 6 {
		t.Errorf("clear difference: %d seeds, want the sign-flip's six", n)
	}
	if n := SeedsForSignFlip(0.05 / 15); n != 10 { // 2/2^10 = 0.00195 < 0.0033 < 2/2^9
		t.Errorf("15 pairs: %d seeds", n)
	}
	if SeedsToResolve([]float64{1, -1}, 0.05) != Unreachable || ExamplesToResolve([]float64{1, -1}, 0.05) != Unreachable {
		t.Error("no difference can be resolved")
	}
}

// TestBootstrapAgainstTheory compares with the normal theory of a mean.
func TestBootstrapAgainstTheory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 400)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	mean, sd := meanSD(x)
	b := BootstrapMean(x, nil, Resampling{Replicates: 4000})
	near(t, "mean", b.Mean, mean, 1e-12)
	near(t, "se", b.SE, sd/20, 0.003)
	near(t, "low", b.Interval.Low, mean-1.96*sd/20, 0.008)
	near(t, "high", b.Interval.High, mean+1.96*sd/20, 0.008)
	if !reflect.DeepEqual(b, BootstrapMean(x, nil, Resampling{Replicates: 4000})) {
		t.Error("equal seeds give different bits")
	}
	if b.Interval == BootstrapMean(x, nil, Resampling{Replicates: 4000, Seed: 1}).Interval {
		t.Error("the seed is ignored")
	}
}

// TestHierarchicalVariance checks that both sources of variance are there:
// scores that differ only by seed have the seeds' standard error, s/sqrt(n).
func TestHierarchicalVariance(t *testing.T) {
	bySeed := Sample{Values: [][]float64{{0, 0}, {1, 1}, {2, 2}, {5, 5}}}
	_, sd := meanSD([]float64{0, 1, 2, 5})
	b := Hierarchical(bySeed, Resampling{Replicates: 20000})
	near(t, "mean", b.Mean, 2, 0)
	near(t, "se over seeds", b.SE, sd/2, 0.02)
	byItem := Sample{Values: [][]float64{{0, 1, 2, 5}, {0, 1, 2, 5}}}
	b = Hierarchical(byItem, Resampling{Replicates: 20000})
	near(t, "se over items", b.SE, sd*math.Sqrt(3.0/4)/2, 0.02) // items draw n of n, with the bootstrap's n divisor
}

func TestWeights(t *testing.T) {
	b := BootstrapMean([]float64{1, 4}, []float64{3, 1}, Resampling{})
	near(t, "weighted mean", b.Mean, 1.75, 1e-12)
	near(t, "low", b.Interval.Low, 1, 0)
	near(t, "high", b.Interval.High, 4, 0)
}

func TestPairedBootstrap(t *testing.T) {
	a, b := make([]float64, 200), make([]float64, 200)
	for i := range a {
		b[i] = float64(i % 7)
		a[i] = b[i] + 0.1 // always a little better, in spite of a large spread
	}
	p := PairedBootstrap(a, b, nil, Resampling{})
	if p.P > 0.01 || p.Interval.Contains(0) {
		t.Errorf("pairing lost: p = %v, %v", p.P, p.Interval)
	}
	one := HierarchicalPaired(Sample{Values: [][]float64{a, a}}, Sample{Values: [][]float64{b}}, Resampling{})
	near(t, "constant side", one.Mean, 0.1, 1e-12)
}

func TestPairedSE(t *testing.T) {
	// b = 3.5, c = 1.5, n = 12: sqrt(5 - 4/12) / 12.
	near(t, "discordant", PairedSE(3, 1, 10), math.Sqrt(5-4.0/12)/12, 1e-15)
	if few, many := PairedSE(0, 0, 5), PairedSE(0, 0, 1000); few < 0.1 || many > 0.002 {
		t.Errorf("agreement on 5 items has a standard error of %v, on 1000 of %v", few, many)
	}
}
