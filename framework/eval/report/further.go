package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// The further scores that say how much a model forgot: nats per token on the
// base model's own held-out text, under the result and under the base.
const (
	lossAfter  = "heldout_loss"
	lossBefore = "heldout_loss_before"
)

// forgettingTable has the held-out loss before and after, where known.
func forgettingTable(c *compare.Comparison) grid {
	t := grid{Left: 2, Header: []string{"method", "task", "loss before", "loss after", "change"}}
	for _, r := range c.Rows {
		for j, cell := range r.Cells {
			after, has := cell.Extra[lossAfter]
			before, had := cell.Extra[lossBefore]
			if has && had {
				t.Rows = append(t.Rows, row{Name: r.Name, Baseline: r.Baseline, Cells: plain(c.Columns[j].Task, fixed(before, 4), fixed(after, 4), fmt.Sprintf("%+.4f", after-before))})
			}
		}
	}
	return t
}

// furtherTable has the other further scores of each row, means over seeds: the
// task by a second metric, without the items that stand in the training split
// too, a chain's earlier stages.
func furtherTable(c *compare.Comparison) grid {
	t := grid{Left: 3, Header: []string{"method", "task", "score", "value"}}
	for _, r := range c.Rows {
		for j, cell := range r.Cells {
			for _, name := range slices.Sorted(maps.Keys(cell.Extra)) {
				if name != lossAfter && name != lossBefore {
					t.Rows = append(t.Rows, row{Name: r.Name, Baseline: r.Baseline, Cells: plain(c.Columns[j].Task, name, fixed(cell.Extra[name], 4))})
				}
			}
		}
	}
	return t
}
