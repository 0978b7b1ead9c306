package compare

import (
	"fmt"
	"strings"
)

// notes are the footnotes that go under every table.
func (c *Comparison) notes() {
	o := c.Options
	var families []string
	for _, col := range c.Columns {
		if col.Pairs > 0 {
			families = append(families, fmt.Sprintf("%s %s %d", col.Task, col.Metric, col.Pairs))
		}
	}
	holm := "Holm's correction runs over all method pairs (and each method against the base model) within one task and metric"
	if len(families) > 0 {
		holm += "; pairs tested: " + strings.Join(families, ", ")
	}
	c.Notes = append(c.Notes, holm+".", c.seedNote())
	margins := map[string]bool{}
	var list []string
	for _, col := range c.Columns {
		if col.Metric == "" {
			continue
		}
		if m := "±" + col.Amount(col.Margin); !margins[m] {
			margins[m] = true
			list = append(list, m)
		}
	}
	if len(list) > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("Equivalence is two one-sided tests (TOST) within %s. Not significant is not equal.", strings.Join(list, ", or ")))
	}
	c.Notes = append(c.Notes, fmt.Sprintf("Intervals are 95%%; bootstraps draw %d replicates from seed %d.", o.Replicates, o.Seed))
	open, untested := 0, 0
	for _, cl := range c.Claims {
		switch cl.Verdict {
		case Unresolved:
			open++
		case Untested:
			untested++
		}
	}
	if open+untested > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("Of %d pairs, %d are not resolved and %d cannot be tested.", len(c.Claims), open, untested))
	}
}

// seedNote says what the seeds allow.
func (c *Comparison) seedNote() string {
	low, high := 0, 0
	for _, row := range c.Rows {
		for _, cell := range row.Cells {
			if n := len(cell.Seeds); n > 0 && !row.Baseline {
				if low == 0 || n < low {
					low = n
				}
				high = max(high, n)
			}
		}
	}
	span := fmt.Sprintf("%d", low)
	if low != high {
		span = fmt.Sprintf("%d to %d", low, high)
	}
	switch {
	case high == 0:
		return "No method has finished a run."
	case high == 1:
		return "One seed a method: intervals and tests are over test items and speak of these runs, not of the methods."
	case high < MinSeeds:
		return "Seeds a method: " + span + ". Intervals cover seeds and test items; fewer than six seeds cannot give p < 0.05, so methods are not tested."
	}
	return "Seeds a method: " + span + ". Intervals cover seeds and test items; tests flip signs of seed-level differences (six seeds needed for p < 0.05), and a difference counts only if its interval leaves out 0."
}
