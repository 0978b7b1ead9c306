package report

import (
	"github.com/tunelab/tunelab/framework/eval/compare"
)

// document is what Text, Markdown and HTML all show.
type document struct {
	Scores     grid
	Footnotes  []string // footnote n is Footnotes[n-1]
	Costs      grid
	Forgetting grid // no rows without held-out losses
	Further    grid // no rows without further scores
	Claims     []claimGroup
	Notes      []string
}

type grid struct {
	Header []string // may hold line breaks
	Rows   []row
	Left   int // columns from the left that are left-aligned; the others are right-aligned
}

type row struct {
	Name     string
	Cells    []cell
	Baseline bool
	Group    bool // a heading over the rows below: Name alone
	Rule     bool // set off from the row above
}

type cell struct {
	Main   string
	Detail string // the interval
	Note   int    // footnote; 0 for none
}

func newDocument(c *compare.Comparison) document {
	d := document{Costs: costTable(c), Forgetting: forgettingTable(c), Further: furtherTable(c), Claims: claimGroups(c), Notes: c.Notes}
	d.Scores, d.Footnotes = scoreTable(c)
	return d
}

func plain(texts ...string) []cell {
	out := make([]cell, len(texts))
	for i, t := range texts {
		out[i].Main = t
	}
	return out
}
