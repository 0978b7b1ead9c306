package report

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// ScoresFigure has a panel for each column: methods on the y axis in the
// table's order, means with their intervals, baselines as vertical dashed
// lines. It is nil when no cell has a score.
func ScoresFigure(c *compare.Comparison) (*Figure, error) {
	all := looks(c, nil)
	var panels []*plot.Plot
	var legend []look
	methods := 0
	for _, r := range c.Rows {
		if r.Baseline {
			l := lookOf(all, r.Name)
			l.Glyph.Shape = nil
			legend = append(legend, l)
		} else {
			methods++
		}
	}
	for j, col := range c.Columns {
		if p := scorePanel(c, j, col, all); p != nil {
			panels = append(panels, p)
		}
	}
	if len(panels) == 0 {
		return nil, nil
	}
	height := vg.Length(methods)*17 + 62
	return drawFigure("scores", "Scores: means over seeds with their 95% intervals, where there is one. Dashed lines are baselines.", panels, height, legend)
}

func scorePanel(c *compare.Comparison, j int, col compare.Column, all []look) *plot.Plot {
	s := &scorePlot{factor: 1}
	if col.Percent {
		s.factor = 100
	}
	finished := false
	var names []string
	for _, r := range c.Rows {
		cell := r.Cells[j]
		finished = finished || cell.State == compare.Finished
		if r.Baseline && cell.State != compare.Finished {
			continue
		}
		s.rows = append(s.rows, scoreRow{cell, r.Baseline, lookOf(all, r.Name)})
		if !r.Baseline {
			names = append(names, short(r.Name, 18))
		}
	}
	if !finished {
		return nil
	}
	label := short(unit(col), 40)
	if col.LowerIsBetter {
		label += " (lower is better)"
	}
	p := newPanel(short(col.Task, 40), label, "")
	var ticks []plot.Tick
	for i, n := range names { // the first on top
		ticks = append(ticks, plot.Tick{Value: float64(len(names) - 1 - i), Label: n})
	}
	s.methods = len(names)
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.Add(s)
	return p
}

type scoreRow struct {
	cell     compare.Cell
	baseline bool
	look     look
}

type scorePlot struct {
	rows    []scoreRow
	methods int
	factor  float64 // from the score to the axis
}

// DataRange holds every mean and interval with a margin.
func (s *scorePlot) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax = math.Inf(1), math.Inf(-1)
	for _, r := range s.rows {
		if r.cell.State != compare.Finished {
			continue
		}
		low, high := bounds(r.cell)
		xmin, xmax = min(xmin, s.factor*low), max(xmax, s.factor*high)
	}
	pad := 0.05 * (xmax - xmin)
	return xmin - pad, xmax + pad, -0.6, float64(s.methods) - 0.4
}

// bounds are the interval's ends, or the mean twice.
func bounds(c compare.Cell) (low, high float64) {
	if c.Interval == nil {
		return c.Mean, c.Mean
	}
	return min(c.Mean, c.Interval.Low), max(c.Mean, c.Interval.High)
}

func (s *scorePlot) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, r := range s.rows {
		if at := x(s.factor * r.cell.Mean); r.baseline {
			c.StrokeLine2(r.look.Line, at, c.Min.Y, at, c.Max.Y)
		}
	}
	i := 0
	for _, r := range s.rows {
		if r.baseline {
			continue
		}
		at := y(float64(s.methods - 1 - i))
		i++
		if r.cell.State != compare.Finished {
			sty := lettering(9, grey)
			sty.YAlign = text.YCenter
			word, left := stateWord(r.cell.State), c.Min.X+4
			right := left + sty.Width(word)
			c.FillPolygon(white, []vg.Point{{X: left - 1, Y: at - 6}, {X: right + 1, Y: at - 6}, {X: right + 1, Y: at + 6}, {X: left - 1, Y: at + 6}})
			c.FillText(sty, vg.Point{X: left, Y: at}, word)
			continue
		}
		if r.cell.Interval != nil {
			bar := draw.LineStyle{Color: r.look.Line.Color, Width: 1.4}
			low, high := x(s.factor*r.cell.Interval.Low), x(s.factor*r.cell.Interval.High)
			c.StrokeLine2(bar, low, at, high, at)
			c.StrokeLine2(bar, low, at-3, low, at+3)
			c.StrokeLine2(bar, high, at-3, high, at+3)
		}
		c.DrawGlyph(r.look.Glyph, vg.Point{X: x(s.factor * r.cell.Mean), Y: at})
	}
}
