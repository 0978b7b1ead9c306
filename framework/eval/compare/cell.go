package compare

import (
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/eval/stats"
)

// cell is the mean over seeds with its 95% interval.
func (g group) cell(col Column, o Options) Cell {
	if len(g.done) == 0 {
		return g.empty()
	}
	cell := Cell{State: Finished}
	for _, r := range g.done {
		cell.Seeds = append(cell.Seeds, r.Seed)
		cell.Values = append(cell.Values, r.Value)
		cell.Runs = append(cell.Runs, r.RunID)
		cell.Mean += r.Value / float64(len(g.done))
		cell.Items = max(cell.Items, len(r.ItemIDs), len(r.ItemScores))
	}
	for _, r := range g.lost {
		cell.Lost = append(cell.Lost, fmt.Sprintf("seed %d: %s", r.Seed, why(r)))
	}
	cell.Extra = extras(g.done)
	sample, _, ok := paired(g.done)
	switch {
	case ok && len(g.done) == 1 && sample.Weights == nil && binary(sample.Values[0]):
		right := 0
		for _, v := range sample.Values[0] {
			right += int(v)
		}
		i := stats.Wilson(right, len(sample.Values[0]), 0.95)
		cell.Interval, cell.Basis = &i, "Wilson, items"
	case ok && len(g.done) == 1:
		i := stats.Hierarchical(sample, o.resampling(0.95)).Interval
		cell.Interval, cell.Basis = &i, "bootstrap, items"
	case ok:
		i := stats.Hierarchical(sample, o.resampling(0.95)).Interval
		cell.Interval, cell.Basis = &i, "bootstrap, seeds and items"
	case len(g.done) > 1:
		i := stats.TInterval(cell.Values, 0.95)
		if col.Percent { // a share lies in [0, 1]
			i.Low, i.High = max(0, i.Low), min(1, i.High)
		}
		cell.Interval, cell.Basis = &i, "t, seeds"
	}
	return cell
}

// empty is the cell of a group without a finished result.
func (g group) empty() Cell {
	if len(g.lost) == 0 {
		return Cell{State: Missing, Reason: "no run"}
	}
	cell := Cell{State: NotApplicable, Reason: g.lost[0].Reason}
	for _, r := range g.lost {
		cell.Lost = append(cell.Lost, fmt.Sprintf("seed %d: %s", r.Seed, why(r)))
		if r.Status != NotApplicable && cell.State != Failed {
			cell.State, cell.Reason = Failed, r.Reason
			if r.Status != Failed {
				cell.Reason = why(r)
			}
		}
	}
	return cell
}

// why is a lost run's status and reason.
func why(r Result) string {
	if r.Reason == "" {
		return r.Status
	}
	return r.Status + ": " + r.Reason
}

func binary(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return v != 0 && v != 1 })
}

// extras are the means of the further scores over the runs that have them.
func extras(rs []Result) map[string]float64 {
	var out map[string]float64
	n := map[string]int{}
	for _, r := range rs {
		for k, v := range r.Extra {
			if !finite(v) {
				continue
			}
			if out == nil {
				out = map[string]float64{}
			}
			out[k] += v
			n[k]++
		}
	}
	for k := range out {
		out[k] /= float64(n[k])
	}
	return out
}
