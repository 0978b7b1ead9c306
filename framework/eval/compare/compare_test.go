package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/eval/stats"
)

// runsOf gives one result a seed (1, 2, ...) without item scores.
func runsOf(method string, values ...float64) []Result {
	var out []Result
	for i, v := range values {
		out = append(out, Result{RunID: fmt.Sprint(method, i+1), Method: method, Task: "t", Metric: "m", Seed: int64(i + 1), Value: v, Status: Finished})
	}
	return out
}

// answered gives a result whose items are right where right says so.
func answered(method string, seed int64, n int, right func(int) bool) Result {
	r := Result{RunID: fmt.Sprint(method, seed), Method: method, Task: "t", Metric: "accuracy", Seed: seed, Status: Finished}
	for i := range n {
		score := 0.0
		if right(i) {
			score = 1
		}
		r.ItemIDs = append(r.ItemIDs, fmt.Sprint(i))
		r.ItemScores = append(r.ItemScores, score)
		r.Value += score / float64(n)
	}
	return r
}

func join(parts ...[]Result) []Result {
	var out []Result
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func claim(t *testing.T, c *Comparison, a, b string) Claim {
	t.Helper()
	for _, cl := range c.Claims {
		if cl.A == a && cl.B == b {
			return cl
		}
	}
	t.Fatalf("no claim on %s and %s", a, b)
	return Claim{}
}

// near a level, seed by seed; the spread is a tenth of a point.
func level(v float64) []float64 {
	out := make([]float64, 8)
	for i := range out {
		out[i] = v + 0.001*float64((i*5)%3-1)
	}
	return out
}

func TestVerdictsOverSeeds(t *testing.T) {
	alike := level(0.9003)
	for i := range alike {
		alike[i] += 0.0001 * float64(i%2)
	}
	c := Compare(join(runsOf("good", level(0.9)...), runsOf("alike", alike...), runsOf("wild", 0.1, 0.95, 0.4, 0.99, 0.6, 0.9, 0.2, 0.97)), Options{})
	for _, want := range []struct{ a, b, verdict, winner string }{
		{"good", "alike", Better, "alike"}, // every seed differs, yet by little: both hold
		{"good", "wild", Unresolved, ""},
	} {
		cl := claim(t, c, want.a, want.b)
		if cl.Verdict != want.verdict || cl.Winner != want.winner || cl.About != "methods" || cl.Seeds != 8 || cl.Test == "" {
			t.Errorf("%s, %s: %+v", want.a, want.b, cl)
		}
	}
	if cl := claim(t, c, "good", "alike"); !strings.Contains(cl.Text, "alike is better than good, but equivalent within ±2.0 points") {
		t.Errorf("words: %s", cl.Text)
	}
	if cl := claim(t, c, "good", "wild"); cl.MoreSeeds <= 8 || !strings.Contains(cl.Text, fmt.Sprintf("about %d seeds", cl.MoreSeeds)) {
		t.Errorf("no way out: %+v", cl)
	}

	same := level(0.8)
	mixed := append([]float64{}, same...)
	for i := range mixed {
		mixed[i] += 0.002 * float64(i%2*2-1)
	}
	if cl := claim(t, Compare(join(runsOf("a", same...), runsOf("b", mixed...)), Options{}), "a", "b"); cl.Verdict != Equivalent || cl.Text != "a and b are equivalent within ±2.0 points" {
		t.Errorf("equal methods: %+v", cl)
	}
	if cl := claim(t, Compare(join(runsOf("a", same...), runsOf("b", mixed...)), Options{Margins: map[string]float64{"m": 1e-5}}), "a", "b"); cl.Verdict != Unresolved {
		t.Errorf("a metric's own margin is ignored: %+v", cl)
	}
}

func TestLowerIsBetter(t *testing.T) {
	rs := join(runsOf("a", level(3)...), runsOf("b", level(2)...))
	for i := range rs {
		rs[i].LowerIsBetter = true
	}
	c := Compare(rs, Options{})
	if cl := claim(t, c, "a", "b"); cl.Winner != "b" || cl.Difference <= 0 || c.Columns[0].Percent {
		t.Errorf("%+v", cl)
	}
}

func TestFewSeedsAreNotTested(t *testing.T) {
	for n := 2; n <= 6; n++ {
		c := Compare(join(runsOf("a", level(0.9)[:n]...), runsOf("b", level(0.1)[:n]...)), Options{})
		cl := claim(t, c, "a", "b")
		if n < MinSeeds && (cl.Verdict != Untested || cl.P != nil || cl.Interval == nil || !strings.Contains(cl.Text, fmt.Sprintf("with %d seeds (six needed)", n)) || c.Columns[0].Pairs != 0) {
			t.Errorf("%d seeds: %+v", n, cl)
		}
		if n == MinSeeds && (cl.Verdict != Better || *cl.P != 2.0/64) {
			t.Errorf("%d seeds: %+v", n, cl)
		}
	}
	one := claim(t, Compare(join(runsOf("a", 0.9), runsOf("b", 0.1)), Options{}), "a", "b")
	if one.Verdict != Untested || one.About != "runs" || !strings.Contains(one.Text, "one seed each") {
		t.Errorf("one seed without items: %+v", one)
	}
}

// TestOneSeed uses the test items, and says that it speaks of two runs.
func TestOneSeed(t *testing.T) {
	c := Compare([]Result{answered("a", 1, 100, func(i int) bool { return i < 80 }), answered("b", 1, 100, func(i int) bool { return i < 50 })}, Options{})
	cl := claim(t, c, "a", "b")
	if cl.Verdict != Better || cl.Winner != "a" || cl.About != "runs" || cl.Test != "exact McNemar on items" || *cl.P != stats.McNemar(30, 0) || cl.Items != 100 || !strings.Contains(cl.Text, "these two runs") {
		t.Errorf("%+v", cl)
	}
	if cell := c.Rows[0].Cells[0]; cell.Basis != "Wilson, items" || *cell.Interval != stats.Wilson(80, 100, 0.95) {
		t.Errorf("interval %+v", cell)
	}
	graded := answered("a", 1, 100, func(i int) bool { return i < 80 })
	for i := range graded.ItemScores {
		graded.ItemScores[i] /= 2
	}
	graded.Value /= 2
	if cl = claim(t, Compare([]Result{graded, answered("b", 1, 100, func(i int) bool { return i < 10 })}, Options{}), "a", "b"); cl.Test != "paired bootstrap over items" || cl.Winner != "a" {
		t.Errorf("graded items: %+v", cl)
	}
}

// TestHolmFamily corrects over the tested pairs of a column, and of no other.
func TestHolmFamily(t *testing.T) {
	var rs []Result
	for i := range 4 {
		rs = append(rs, runsOf(fmt.Sprint("m", i), level(0.2+0.2*float64(i))...)...)
	}
	other := join(runsOf("m0", level(0.2)...), runsOf("m1", level(0.9)...))
	for i := range other {
		other[i].Task = "u"
	}
	c := Compare(append(rs, other...), Options{})
	if c.Columns[0].Pairs != 6 || c.Columns[1].Pairs != 1 {
		t.Errorf("families of %d and %d", c.Columns[0].Pairs, c.Columns[1].Pairs)
	}
	var ps []float64
	for _, cl := range c.Claims[:6] {
		ps = append(ps, *cl.P)
	}
	for i, p := range stats.Holm(ps) {
		if *c.Claims[i].HolmP != p {
			t.Errorf("claim %d: %v, want %v", i, *c.Claims[i].HolmP, p)
		}
	}
	if last := c.Claims[6]; *last.HolmP != *last.P || last.Task != "u" {
		t.Errorf("the other task is corrected too: %+v", last)
	}
}

// TestSeedPairing pairs by seed, not by place, and leaves out the odd seeds.
func TestSeedPairing(t *testing.T) {
	a, b := runsOf("a", 1, 2, 3, 4), runsOf("b", 10, 20, 30, 40)
	b[0].Seed, b[1].Seed, b[2].Seed, b[3].Seed = 3, 2, 1, 9
	cl := claim(t, Compare(append(b, a...), Options{}), "b", "a")
	if cl.Seeds != 3 || math.Abs(cl.Difference-(20-2)) > 1e-12 {
		t.Errorf("%+v", cl)
	}
	for i := range b {
		b[i].Seed += 100
	}
	if cl = claim(t, Compare(append(b, a...), Options{}), "b", "a"); cl.Seeds != 0 || cl.Verdict != Untested || !strings.Contains(cl.Text, "no seed in common") {
		t.Errorf("%+v", cl)
	}
}

// TestBaselines: the zero-shot model's one run stands against every seed, the
// majority class against nobody, and baselines never against each other.
func TestBaselines(t *testing.T) {
	base, most := runsOf("zero-shot", 0.3), runsOf(Majority, 0.2)
	base[0].Baseline, most[0].Baseline, base[0].Seed = true, true, 77
	c := Compare(join(base, most, runsOf("a", level(0.8)...)), Options{})
	if len(c.Claims) != 1 {
		t.Fatalf("%d claims", len(c.Claims))
	}
	if cl := c.Claims[0]; cl.A != "a" || cl.B != "zero-shot" || cl.Seeds != 8 || cl.Winner != "a" {
		t.Errorf("%+v", cl)
	}
	if c.Rows[0].Name != "a" || !c.Rows[1].Baseline || !c.Rows[2].Baseline {
		t.Errorf("baselines are not last: %+v", c.Rows)
	}
}

func TestStates(t *testing.T) {
	rs := runsOf("a", 0.5, math.NaN(), 0.7)
	rs = append(rs, runsOf("lost", math.Inf(1))...)
	rs = append(rs, Result{Method: "none", Task: "t", Status: NotApplicable, Reason: "no choices"},
		Result{Method: "dead", Task: "t", Seed: 1, Status: "crashed", Reason: "signal 9"},
		Result{Method: "a", Task: "empty", Status: Failed, Reason: "no data"})
	rerun := runsOf("a", 0.6)[0]
	c := Compare(append(rs, rerun), Options{})
	cells := map[string]Cell{}
	for _, r := range c.Rows {
		cells[r.Name] = r.Cells[0]
	}
	if a := cells["a"]; a.State != Finished || math.Abs(a.Mean-0.65) > 1e-12 || !reflect.DeepEqual(a.Seeds, []int64{1, 3}) || !reflect.DeepEqual(a.Lost, []string{"seed 2: failed: the score is NaN"}) {
		t.Errorf("a NaN beside numbers, and a re-run of seed 1: %+v", a)
	}
	for name, want := range map[string][2]string{"lost": {Failed, "the score is +Inf"}, "none": {NotApplicable, "no choices"}, "dead": {Failed, "crashed: signal 9"}} {
		if got := cells[name]; got.State != want[0] || got.Reason != want[1] {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if len(c.Columns) != 2 || c.Columns[1].Task != "empty" || c.Columns[1].Metric != "" {
		t.Fatalf("columns %+v", c.Columns)
	}
	if notes := strings.Join(c.Notes, " "); strings.Contains(notes, "0.02") || !c.Columns[0].Percent {
		t.Errorf("the task without a metric has a margin, or a score that is not finite makes shares numbers: %s", notes)
	}
	if got := c.Rows[0].Cells[1]; got.State != Failed || got.Reason != "no data" {
		t.Errorf("a task without any score: %+v", got)
	}
	if got := c.Rows[1].Cells[1]; got.State != Missing {
		t.Errorf("no run: %+v", got)
	}
	for _, k := range c.Costs {
		if k.Name == "lost" || k.Name == "dead" {
			t.Errorf("the cost of %s counts", k.Name)
		}
	}
}

// TestIntervals checks what each interval is made of.
func TestIntervals(t *testing.T) {
	if cell := Compare(runsOf("a", 0.4, 0.5, 0.6), Options{}).Rows[0].Cells[0]; cell.Basis != "t, seeds" || *cell.Interval != stats.TInterval([]float64{0.4, 0.5, 0.6}, 0.95) {
		t.Errorf("%+v", cell)
	}
	if cell := Compare(runsOf("a", 0.4), Options{}).Rows[0].Cells[0]; cell.Interval != nil {
		t.Errorf("one number has an interval: %+v", cell)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var rs []Result
	var s stats.Sample
	for seed := range int64(4) {
		p := 0.3 + 0.1*float64(seed)
		r := answered("a", seed, 60, func(int) bool { return rng.Float64() < p })
		rs = append(rs, r)
		s.Values = append(s.Values, r.ItemScores)
	}
	cell := Compare(rs, Options{Seed: 3}).Rows[0].Cells[0]
	if want := stats.Hierarchical(s, stats.Resampling{Seed: 3}).Interval; cell.Basis != "bootstrap, seeds and items" || *cell.Interval != want {
		t.Errorf("%+v, want %+v", cell, want)
	}
	// A value that is not the mean of its items (such as macro F1) leaves the items alone.
	for i := range rs {
		rs[i].Value /= 2
	}
	if cell := Compare(rs, Options{}).Rows[0].Cells[0]; cell.Basis != "t, seeds" {
		t.Errorf("%+v", cell)
	}
}

// TestCommonItems pairs on the items that both sides have.
func TestCommonItems(t *testing.T) {
	a, b := answered("a", 1, 50, func(i int) bool { return i%2 == 0 }), answered("b", 1, 40, func(i int) bool { return i%4 == 0 })
	if cl := claim(t, Compare([]Result{a, b}, Options{}), "a", "b"); cl.Items != 40 || math.Abs(cl.Difference-0.25) > 1e-12 {
		t.Errorf("%+v", cl)
	}
}

func TestPercentAndCosts(t *testing.T) {
	rs := runsOf("a", 0.5, 1.5)
	rs[0].Cost, rs[1].Cost = Cost{FLOPs: 2, TrainTokens: 3, PeakMemoryBytes: 5}, Cost{FLOPs: 4, TrainTokens: 4, PeakMemoryBytes: 4}
	second := rs[0] // another metric of the same run
	second.Metric, second.Value = "n", 0.25
	c := Compare(append(rs, second), Options{})
	if c.Columns[0].Percent || !c.Columns[1].Percent {
		t.Errorf("shares: %+v", c.Columns)
	}
	if len(c.Costs) != 1 || c.Costs[0].Runs != 2 || c.Costs[0].Cost.FLOPs != 3 || c.Costs[0].Cost.TrainTokens != 4 || c.Costs[0].Cost.PeakMemoryBytes != 5 {
		t.Errorf("costs %+v", c.Costs)
	}
}

func TestDeterministic(t *testing.T) {
	var rs []Result
	rng := rand.New(rand.NewPCG(5, 6))
	for _, m := range []string{"a", "b", "c"} {
		for seed := range int64(6) {
			r := answered(m, seed, 40, func(int) bool { return rng.Float64() < 0.5 })
			r.Extra = map[string]float64{"x": rng.Float64(), "y": rng.Float64()}
			rs = append(rs, r)
		}
	}
	first := Compare(rs, Options{Seed: 1})
	if !reflect.DeepEqual(first, Compare(rs, Options{Seed: 1})) {
		t.Error("equal inputs give other results")
	}
	if reflect.DeepEqual(first.Rows[0].Cells[0].Interval, Compare(rs, Options{Seed: 2}).Rows[0].Cells[0].Interval) {
		t.Error("the seed is ignored")
	}
}

// TestOneItemIsNotEnough: every seed wins by the same single item, which says
// nothing about other items.
func TestOneItemIsNotEnough(t *testing.T) {
	var rs []Result
	for seed := range int64(8) {
		rs = append(rs, answered("a", seed, 10, func(i int) bool { return i < 5 }), answered("b", seed, 10, func(i int) bool { return i < 4 }))
	}
	cl := claim(t, Compare(rs, Options{}), "a", "b")
	if cl.Verdict != Unresolved || *cl.HolmP >= 0.05 || !cl.Interval.Contains(0) || !strings.Contains(cl.Text, "differs on these test items") {
		t.Errorf("%+v", cl)
	}
}
