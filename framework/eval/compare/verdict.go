package compare

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/eval/stats"
)

// judge gives the verdict and its words. family is the number of pairs in the
// column, by which the sample sizes are corrected (Bonferroni, which is Holm's
// first step).
func (p *pair) judge(col Column, family int, o Options) {
	switch {
	case p.Seeds == 0:
		p.Verdict, p.Text = Untested, fmt.Sprintf("%s and %s have no seed in common; run both with the same seeds", p.A, p.B)
		return
	case !p.tested && p.Seeds == 1:
		p.Verdict = Untested
		p.Text = fmt.Sprintf("one seed each, and no test on items fits (%s is not a mean of scores on common items); run %d seeds", col.Metric, max(MinSeeds, seedsFor(family, o)))
		return
	case !p.tested:
		p.Verdict = Untested
		p.MoreSeeds = reach(stats.SeedsToResolve(p.deltas, o.Alpha/float64(family)))
		p.Text = fmt.Sprintf("cannot be tested at p<%.2g with %d seeds (six needed)", o.Alpha, p.Seeds)
		p.Text += needs(p.MoreSeeds, 0)
		return
	}
	winner, loser := p.A, p.B
	if p.Difference < 0 != col.LowerIsBetter {
		winner, loser = p.B, p.A
	}
	about := ""
	if p.About == "runs" {
		about = " (these two runs, not the methods)"
	}
	zeroInside := p.Interval != nil && p.Interval.Contains(0)
	switch {
	case *p.HolmP < o.Alpha && !(p.Seeds > 1 && zeroInside):
		p.Verdict, p.Winner = Better, winner
		p.Text = fmt.Sprintf("%s is better than %s%s", winner, loser, about)
		if *p.TOSTHolmP < o.Alpha {
			p.Text += ", but equivalent within ±" + col.Amount(col.Margin)
		}
	case *p.TOSTHolmP < o.Alpha:
		p.Verdict = Equivalent
		p.Text = fmt.Sprintf("%s and %s are equivalent within ±%s%s", p.A, p.B, col.Amount(col.Margin), about)
	default:
		p.unresolved(about, *p.HolmP < o.Alpha, family, o)
	}
}

func (p *pair) unresolved(about string, onTheseItems bool, family int, o Options) {
	alpha := o.Alpha / float64(family)
	p.Verdict = Unresolved
	p.MoreItems = reach(stats.ExamplesToResolve(p.items, alpha))
	if p.MoreItems <= p.Items { // the items suffice; it is the seeds, or the one-off error of this estimate
		p.MoreItems = 0
	}
	if p.Seeds > 1 {
		if p.MoreSeeds = reach(stats.SeedsToResolve(p.deltas, alpha)); p.MoreSeeds <= p.Seeds {
			p.MoreSeeds = 0
		}
	}
	p.Text = "not resolved" + about
	if onTheseItems {
		p.Text += ": differs on these test items, but the interval over seeds and items holds 0"
	} else if floor := stats.SignFlipFloor(p.Seeds) * float64(family); p.Seeds > 1 && floor >= o.Alpha {
		p.Text += fmt.Sprintf(": with %d seeds and %d pairs the smallest corrected p is %.2g", p.Seeds, family, min(1, floor))
	}
	p.Text += needs(p.MoreSeeds, p.MoreItems)
}

// seedsFor is how many seeds a family of tests needs before any can be
// significant after Holm's correction.
func seedsFor(family int, o Options) int {
	return stats.SeedsForSignFlip(o.Alpha / float64(max(1, family)))
}

// reach is 0 for a sample size that is out of reach.
func reach(n int) int {
	if n >= stats.Unreachable {
		return 0
	}
	return n
}

func needs(seeds, items int) string {
	switch {
	case seeds > 0 && items > 0:
		return fmt.Sprintf("; about %d seeds (or %d examples) would resolve it", seeds, items)
	case seeds > 0:
		return fmt.Sprintf("; about %d seeds would resolve it", seeds)
	case items > 0:
		return fmt.Sprintf("; about %d examples would resolve it", items)
	}
	return ""
}

// Amount writes a difference in the column's unit: "2.0 points" for shares,
// else the number.
func (c Column) Amount(v float64) string {
	if c.Percent {
		return fmt.Sprintf("%.1f points", 100*v)
	}
	return fmt.Sprintf("%.3g", v)
}
