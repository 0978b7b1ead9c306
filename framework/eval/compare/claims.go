package compare

import (
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/stats"
)

// MinSeeds is how many seeds a test between methods needs at least for
// p < 0.05: the sign-flip test of n pairs cannot go below 2/2^n.
const MinSeeds = 6

// pair is a claim in the making.
type pair struct {
	Claim
	a, b   []Result  // one run a seed, lined up; a baseline with one run may be repeated
	deltas []float64 // per seed, A minus B
	items  []float64 // per item, mean over seeds, A minus B; nil without items
	tost   float64
	tested bool
}

// claims adds the claims of column j, with Holm's correction over them.
func (c *Comparison) claims(j int, groups [][]group) {
	col := &c.Columns[j]
	var pairs []*pair
	for i := range c.Rows {
		for k := i + 1; k < len(c.Rows); k++ {
			a, b := c.Rows[i], c.Rows[k]
			if a.Baseline || b.Baseline && strings.HasPrefix(b.Method, Majority) {
				continue
			}
			if len(groups[i][j].done) == 0 || len(groups[k][j].done) == 0 {
				continue
			}
			p := newPair(groups[i][j].done, groups[k][j].done, b.Baseline)
			p.Task, p.Metric, p.A, p.B = col.Task, col.Metric, a.Name, b.Name
			p.test(col.Margin, c.Options)
			pairs = append(pairs, p)
		}
	}
	var family []*pair
	var ps, tosts []float64
	for _, p := range pairs {
		if p.tested {
			family, ps, tosts = append(family, p), append(ps, *p.P), append(tosts, p.tost)
		}
	}
	col.Pairs = len(family)
	adjusted, equivalent := stats.Holm(ps), stats.Holm(tosts)
	for i, p := range family {
		p.HolmP, p.TOSTHolmP = &adjusted[i], &equivalent[i]
	}
	for _, p := range pairs {
		p.judge(*col, len(pairs), c.Options)
		c.Claims = append(c.Claims, p.Claim)
	}
}

// newPair lines two rows up by seed. A baseline with one run does not depend
// on the seed, so it stands against every seed of the method.
func newPair(as, bs []Result, baseline bool) *pair {
	p := &pair{}
	for _, a := range as {
		for _, b := range bs {
			if a.Seed == b.Seed || baseline && len(bs) == 1 {
				p.a, p.b = append(p.a, a), append(p.b, b)
				p.deltas = append(p.deltas, a.Value-b.Value)
				p.Difference += a.Value - b.Value
			}
		}
	}
	p.Seeds = len(p.a)
	if p.Seeds > 0 {
		p.Difference /= float64(p.Seeds)
	}
	return p
}

// samples are both sides on their common items.
func (p *pair) samples() (a, b stats.Sample, ok bool) {
	s, ids, ok := paired(append(append([]Result{}, p.a...), p.b...))
	if !ok {
		return a, b, false
	}
	n := len(p.a)
	a, b = stats.Sample{Values: s.Values[:n], Weights: s.Weights}, stats.Sample{Values: s.Values[n:], Weights: s.Weights}
	p.Items = len(ids)
	p.items = make([]float64, len(ids))
	for i := range ids {
		for k := range n {
			p.items[i] += (a.Values[k][i] - b.Values[k][i]) / float64(n)
		}
	}
	return a, b, true
}

// count counts the items on which the side of that sign is ahead.
func count(items []float64, sign float64) (n int) {
	for _, d := range items {
		if d*sign > 0 {
			n++
		}
	}
	return n
}

func allBinary(s stats.Sample) bool {
	return !slices.ContainsFunc(s.Values, func(v []float64) bool { return !binary(v) })
}

// test fills in the interval and, where the design allows one, the p-values.
func (p *pair) test(margin float64, o Options) {
	if p.About = "methods"; p.Seeds == 1 {
		p.About = "runs"
	}
	if p.Seeds == 0 {
		return
	}
	a, b, ok := p.samples()
	se, df := 0.0, float64(p.Seeds-1)
	var boot stats.Bootstrap
	switch {
	case ok:
		boot = stats.HierarchicalPaired(a, b, o.resampling(0.95))
		p.Interval, se, p.Difference = &boot.Interval, boot.SE, boot.Mean
	case p.Seeds > 1:
		i := stats.TInterval(p.deltas, 0.95)
		p.Interval, se = &i, stats.StdErr(p.deltas)
	}
	value := 0.0
	switch {
	case p.Seeds >= MinSeeds:
		value, p.Test = stats.SignFlip(p.deltas, o.Seed), "paired sign-flip over seeds"
	case p.Seeds > 1 || !ok:
		return
	case a.Weights == nil && binary(a.Values[0]) && binary(b.Values[0]):
		value, p.Test, df = stats.McNemar(stats.Discordant(a.Values[0], b.Values[0])), "exact McNemar on items", float64(p.Items-1)
	default:
		value, p.Test, df = boot.P, "paired bootstrap over items", float64(p.Items-1)
	}
	if ok && a.Weights == nil && allBinary(a) && allBinary(b) {
		se = max(se, stats.PairedSE(count(p.items, 1), count(p.items, -1), p.Items))
	}
	p.P, p.tested = &value, true
	p.tost = stats.TOST(p.Difference, se, df, margin)
}
