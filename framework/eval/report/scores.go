package report

import (
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// scoreTable is methods by tasks; each distinct reason is one footnote.
func scoreTable(c *compare.Comparison) (grid, []string) {
	t := grid{Header: []string{"method"}}
	for _, col := range c.Columns {
		t.Header = append(t.Header, heading(col))
	}
	t.Left = len(t.Header)
	var notes []string
	note := func(text string) int {
		i := slices.Index(notes, text)
		if i < 0 {
			i, notes = len(notes), append(notes, text)
		}
		return i + 1
	}
	places := make([]int, len(c.Columns))
	for j := range places {
		places[j] = decimalsOf(c, j)
	}
	for i, r := range c.Rows {
		out := row{Name: r.Name, Baseline: r.Baseline, Rule: r.Baseline && i > 0 && !c.Rows[i-1].Baseline}
		for j, from := range r.Cells {
			var to cell
			switch {
			case from.State == compare.Finished:
				to.Main, to.Detail = score(c.Columns[j], places[j], from.Mean, from.Interval)
				if len(from.Lost) > 0 {
					to.Note = note("without " + strings.Join(from.Lost, "; "))
				}
			case from.State == compare.Missing:
				to.Main = "no run"
			default:
				to.Main = stateWord(from.State)
				to.Note = note(to.Main + ": " + reason(from.Reason))
			}
			out.Cells = append(out.Cells, to)
		}
		t.Rows = append(t.Rows, out)
	}
	return t, notes
}

func stateWord(state string) string {
	switch state {
	case compare.NotApplicable:
		return "n/a"
	case compare.Missing:
		return "no run"
	}
	return state
}

func reason(s string) string {
	if s == "" {
		return "no reason was recorded"
	}
	return s
}

// heading names a column and its unit.
func heading(col compare.Column) string {
	h := col.Task + "\n" + unit(col)
	if col.LowerIsBetter {
		h += "\n(lower is better)"
	}
	return h
}

func unit(col compare.Column) string {
	switch {
	case col.Metric == "":
		return "no score"
	case col.Percent:
		return col.Metric + ", %"
	}
	return col.Metric
}
