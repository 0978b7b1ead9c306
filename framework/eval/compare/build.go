package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/eval/stats"
)

type column struct{ task, metric string }

// Compare builds the table and its claims. Rows and columns come in the order
// of Options.Rows and Options.Tasks, and then in that in which results first
// name them, baselines after methods; a task without any score comes last,
// with a column without a metric. A finished result whose value is not a
// finite number counts as failed. Equal inputs and options give equal bits.
func Compare(results []Result, o Options) *Comparison {
	o = o.defaults()
	c := &Comparison{Options: o, Columns: []Column{}, Rows: []Row{}, Claims: []Claim{}, Costs: []CostRow{}}
	columns := map[column]int{}
	rows := map[string]int{}
	var ordered []Result
	for _, baseline := range []bool{false, true} {
		for _, r := range inOrder(results, o.Rows, Result.name) {
			if r.Baseline == baseline {
				ordered = append(ordered, r)
			}
		}
	}
	results = inOrder(results, o.Tasks, func(r Result) string { return r.Task })
	for _, r := range results {
		k := column{r.Task, r.Metric}
		if _, ok := columns[k]; !ok && r.Metric != "" {
			columns[k] = len(c.Columns)
			c.Columns = append(c.Columns, Column{Task: r.Task, Metric: r.Metric, LowerIsBetter: r.LowerIsBetter, Percent: !r.LowerIsBetter, Margin: o.margin(r.Metric)})
		}
	}
	for _, r := range results { // no run of the task came as far as a score
		if !slices.ContainsFunc(c.Columns, func(col Column) bool { return col.Task == r.Task }) {
			c.Columns = append(c.Columns, Column{Task: r.Task, Margin: o.Margin})
		}
	}
	for _, r := range ordered {
		if _, ok := rows[r.name()]; !ok {
			rows[r.name()] = len(c.Rows)
			c.Rows = append(c.Rows, Row{Name: r.name(), Method: r.Method, Baseline: r.Baseline})
		}
	}
	groups := make([][]group, len(c.Rows))
	for i := range groups {
		groups[i] = make([]group, len(c.Columns))
	}
	for _, r := range ordered {
		i := rows[r.name()]
		if r.Metric == "" { // failed before a metric was known: stands in all the task's columns
			for j, col := range c.Columns {
				if col.Task == r.Task {
					groups[i][j].add(r)
				}
			}
			continue
		}
		j := columns[column{r.Task, r.Metric}]
		groups[i][j].add(r)
		if c.Columns[j].Percent && r.counts() && !share(r) {
			c.Columns[j].Percent = false
		}
	}
	for i := range c.Rows {
		for j := range c.Columns {
			c.Rows[i].Cells = append(c.Rows[i].Cells, groups[i][j].cell(c.Columns[j], o))
		}
	}
	for j := range c.Columns {
		c.claims(j, groups)
	}
	c.costs(ordered)
	c.notes()
	return c
}

// inOrder sorts results by the place of their key in order; those without one
// come after, and equals stay as they are.
func inOrder(results []Result, order []string, key func(Result) string) []Result {
	place := func(r Result) int {
		if i := slices.Index(order, key(r)); i >= 0 {
			return i
		}
		return len(order)
	}
	out := slices.Clone(results)
	slices.SortStableFunc(out, func(a, b Result) int { return place(a) - place(b) })
	return out
}

func (o Options) defaults() Options {
	if o.Margin == 0 {
		o.Margin = 0.02
	}
	if o.Alpha == 0 {
		o.Alpha = 0.05
	}
	if o.Replicates == 0 {
		o.Replicates = 2000
	}
	return o
}

func (o Options) margin(metric string) float64 {
	if m, ok := o.Margins[metric]; ok {
		return m
	}
	return o.Margin
}

func (o Options) resampling(level float64) stats.Resampling {
	return stats.Resampling{Replicates: o.Replicates, Level: level, Seed: o.Seed}
}

// share tells whether a result's scores lie in [0, 1].
func share(r Result) bool {
	outside := func(v float64) bool { return v < 0 || v > 1 }
	return !outside(r.Value) && !slices.ContainsFunc(r.ItemScores, outside)
}

// counts tells whether a result is finished, with a finite score.
func (r Result) counts() bool { return (r.Status == "" || r.Status == Finished) && finite(r.Value) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// group is the results of one row in one column.
type group struct {
	done []Result // finished, by seed
	lost []Result // the others
}

func (g *group) add(r Result) {
	switch {
	case r.Status != "" && r.Status != Finished:
		g.lost = append(g.lost, r)
		return
	case !finite(r.Value):
		r.Status, r.Reason = Failed, fmt.Sprintf("the score is %v", r.Value)
		g.lost = append(g.lost, r)
		return
	}
	// Of two runs with one seed the later stands: it is the re-run.
	g.done = slices.DeleteFunc(g.done, func(o Result) bool { return o.Seed == r.Seed })
	at, _ := slices.BinarySearchFunc(g.done, r, func(a, b Result) int {
		if a.Seed < b.Seed {
			return -1
		}
		return 1
	})
	g.done = slices.Insert(g.done, at, r)
}
