package report

import (
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// claimGroup is the claims of one column: all of them, and folded to lines.
type claimGroup struct {
	Title  string
	Column compare.Column
	Lines  []string
	All    []compare.Claim
	runs   bool // every claim is about runs, and the title says so
}

func claimGroups(c *compare.Comparison) []claimGroup {
	var out []claimGroup
	for _, col := range c.Columns {
		g := claimGroup{Title: col.Task + ", " + col.Metric, Column: col, runs: true}
		for _, cl := range c.Claims {
			if cl.Task == col.Task && cl.Metric == col.Metric {
				g.All = append(g.All, cl)
				g.runs = g.runs && cl.About == "runs"
			}
		}
		if len(g.All) == 0 {
			continue
		}
		var remarks []string
		if col.Percent {
			remarks = append(remarks, "differences in points")
		}
		if g.runs {
			remarks = append(remarks, "of these runs, not of the methods")
		}
		if len(remarks) > 0 {
			g.Title += " (" + strings.Join(remarks, "; ") + ")"
		}
		g.Lines = append(g.better(c), g.equivalent()...)
		g.Lines = append(g.Lines, g.unresolved()...)
		g.Lines = append(g.Lines, g.untested()...)
		out = append(out, g)
	}
	return out
}

// list collects texts under headings, in the order first seen.
type list struct {
	heads []string
	items map[string][]string
}

func (l *list) add(head, item string) {
	if l.items == nil {
		l.items = map[string][]string{}
	}
	if len(l.items[head]) == 0 {
		l.heads = append(l.heads, head)
	}
	l.items[head] = append(l.items[head], item)
}

func (l *list) lines(join string) []string {
	var out []string
	for _, h := range l.heads {
		out = append(out, h+strings.Join(l.items[h], join))
	}
	return out
}

// about is said where a claim speaks of two runs and others of methods.
func (g claimGroup) about(c compare.Claim) string {
	if c.About == "runs" && !g.runs {
		return " (of these runs, not of the methods)"
	}
	return ""
}

// better is one line a winner, by row, with the winner's lead over each loser.
func (g claimGroup) better(of *compare.Comparison) []string {
	var l list
	for _, r := range of.Rows {
		for _, c := range g.All {
			if c.Verdict == compare.Better && c.Winner == r.Name {
				l.add(g.win(c, of.Options.Alpha))
			}
		}
	}
	return l.lines(", ")
}

func (g claimGroup) win(c compare.Claim, alpha float64) (head, item string) {
	loser, lead := c.B, c.Difference
	if c.Winner == c.B {
		loser, lead = c.A, -c.Difference
	}
	item = fmt.Sprintf("%s (%s)", loser, signed(g.Column, lead))
	if c.TOSTHolmP != nil && *c.TOSTHolmP < alpha {
		item = fmt.Sprintf("%s (%s, yet equivalent within ±%s)", loser, signed(g.Column, lead), g.Column.Amount(g.Column.Margin))
	}
	return fmt.Sprintf("%s is better%s than ", c.Winner, g.about(c)), item
}

func (g claimGroup) equivalent() []string {
	var l list
	for _, c := range g.All {
		if c.Verdict == compare.Equivalent {
			l.add(fmt.Sprintf("equivalent within ±%s%s: ", g.Column.Amount(g.Column.Margin), g.about(c)), c.A+" and "+c.B)
		}
	}
	return l.lines("; ")
}

// named is how many pairs at most are named in a line that sums pairs up.
const named = 4

func (g claimGroup) unresolved() []string {
	var s sum
	for _, c := range g.All {
		if c.Verdict == compare.Unresolved {
			s.add(c)
		}
	}
	if s.n == 0 {
		return nil
	}
	return []string{s.head("not resolved") + s.needs()}
}

// untested sums up by what is in the way.
func (g claimGroup) untested() []string {
	var none, one, few sum
	fewest, most := 0, 0
	for _, c := range g.All {
		switch {
		case c.Verdict != compare.Untested:
		case c.Seeds == 0:
			none.add(c)
		case c.Seeds == 1:
			one.add(c)
		default:
			if fewest == 0 || c.Seeds < fewest {
				fewest = c.Seeds
			}
			most = max(most, c.Seeds)
			few.add(c)
		}
	}
	var out []string
	if none.n > 0 {
		out = append(out, none.head("cannot be tested: no seed in common"))
	}
	if one.n > 0 {
		out = append(out, one.head("cannot be tested: one seed each, and no test on items fits this metric"))
	}
	if few.n > 0 {
		out = append(out, few.head(fmt.Sprintf("cannot be tested with %s seeds (%d needed)", span(fewest, most), compare.MinSeeds))+few.needs())
	}
	return out
}

// sum folds pairs into one line.
type sum struct {
	n     int
	pairs []string
	seeds extent // that would resolve a pair, where known
	items extent
	blank int // pairs without an estimate
}

type extent struct{ n, low, high int }

func (e *extent) add(v int) {
	if v == 0 {
		return
	}
	if e.n == 0 || v < e.low {
		e.low = v
	}
	e.n, e.high = e.n+1, max(e.high, v)
}

func (s *sum) add(c compare.Claim) {
	s.n++
	s.pairs = append(s.pairs, c.A+" and "+c.B)
	s.seeds.add(c.MoreSeeds)
	s.items.add(c.MoreItems)
	if c.MoreSeeds == 0 && c.MoreItems == 0 {
		s.blank++
	}
}

func (s sum) head(what string) string {
	if s.n <= named {
		return what + ": " + strings.Join(s.pairs, "; ")
	}
	return fmt.Sprintf("%d pairs %s", s.n, what)
}

func (s sum) needs() string {
	var parts []string
	if s.seeds.n > 0 {
		parts = append(parts, fmt.Sprintf("about %s seeds would resolve %s", span(s.seeds.low, s.seeds.high), s.share(s.seeds.n)))
	}
	if s.items.n > 0 {
		parts = append(parts, fmt.Sprintf("about %s examples would resolve %s", span(s.items.low, s.items.high), s.share(s.items.n)))
	}
	if s.blank > 0 {
		parts = append(parts, "no number can be given for "+s.share(s.blank))
	}
	return "; " + strings.Join(parts, "; ")
}

func (s sum) share(n int) string {
	switch {
	case s.n == 1:
		return "it"
	case n == s.n:
		return "them"
	}
	return fmt.Sprintf("%d of them", n)
}

func span(low, high int) string {
	if low == high {
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}
