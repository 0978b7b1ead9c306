package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// CostFigure has a panel for each column: total FLOPs of a run (training and
// inference) on a logarithmic axis against the score. The Pareto front joins
// the rows that no row beats at the same cost or less. A row whose cost is 0
// stands at "none", left of the axis proper and out of the front: its work
// was not counted. It is nil when no cell has a score.
func CostFigure(c *compare.Comparison) (*Figure, error) {
	all := looks(c, nil)
	var panels []*plot.Plot
	shown := map[string]bool{}
	none := false
	for j, col := range c.Columns {
		points := costPoints(c, j, all)
		if len(points) == 0 {
			continue
		}
		for _, p := range points {
			shown[p.look.Label] = true
			none = none || p.flops == 0
		}
		panels = append(panels, costPanel(col, points))
	}
	if len(panels) == 0 {
		return nil, nil
	}
	var legend []look
	for _, l := range all {
		if shown[l.Label] {
			l.Line.Width = 0
			legend = append(legend, l)
		}
	}
	legend = append(legend, look{Label: "Pareto front", Line: frontLine, Glyph: frontGlyph})
	caption := "Cost against quality: FLOPs of a run, training and inference together (logarithmic), with 95% intervals of the score. The Pareto front joins the rows that none beats at the same cost or less."
	if none {
		caption += " Rows at \"none\" have no FLOPs recorded and take no part in the front."
	}
	return drawFigure("cost", caption, panels, 210, legend)
}

type costPoint struct {
	flops float64
	cell  compare.Cell
	look  look
}

func costPoints(c *compare.Comparison, j int, all []look) []costPoint {
	var out []costPoint
	for _, r := range c.Rows {
		if r.Cells[j].State != compare.Finished {
			continue
		}
		p := costPoint{cell: r.Cells[j], look: lookOf(all, r.Name)}
		for _, k := range c.Costs {
			if k.Name == r.Name && k.Task == c.Columns[j].Task && k.Cost.FLOPs > 0 && !math.IsInf(k.Cost.FLOPs, 0) {
				p.flops = k.Cost.FLOPs
			}
		}
		out = append(out, p)
	}
	return out
}

// front is the points with a cost that no other equals or beats in both cost
// and score while it beats them in one, by cost.
func front(points []costPoint, lower bool) []costPoint {
	better := func(a, b float64) bool { return a != b && (a < b) == lower }
	var out []costPoint
	for _, p := range points {
		beaten := slices.ContainsFunc(points, func(q costPoint) bool {
			return q.flops > 0 && q.flops <= p.flops && !better(p.cell.Mean, q.cell.Mean) && (q.flops < p.flops || better(q.cell.Mean, p.cell.Mean))
		})
		if p.flops > 0 && !beaten {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b costPoint) int { return cmp.Compare(a.flops, b.flops) })
	return out
}

var (
	frontLine  = draw.LineStyle{Color: grey, Width: 1, Dashes: []vg.Length{1.5, 1.5}}
	frontGlyph = draw.GlyphStyle{Color: grey, Radius: 6, Shape: draw.RingGlyph{}}
)

func costPanel(col compare.Column, points []costPoint) *plot.Plot {
	s := &costPlot{points: points, front: front(points, col.LowerIsBetter), factor: 1}
	if col.Percent {
		s.factor = 100
	}
	s.low, s.high = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if p.flops > 0 {
			s.low, s.high = min(s.low, math.Log10(p.flops)), max(s.high, math.Log10(p.flops))
		} else {
			s.some = true
		}
	}
	if s.low > s.high {
		s.low, s.high = 0, 1
	}
	label := short(unit(col), 40)
	if col.LowerIsBetter {
		label += " (lower is better)"
	}
	p := newPanel(short(col.Task, 40), "FLOPs of a run (log scale)", label)
	p.X.Tick.Marker = s
	p.Add(s)
	return p
}

// costPlot draws in log10 FLOPs.
type costPlot struct {
	points, front []costPoint
	factor        float64
	low, high     float64 // of log10 FLOPs
	some          bool    // some have no cost
}

// pad is the space around the points, in decades.
func (s *costPlot) pad() float64 { return 0.05*(s.high-s.low) + 0.1 }

// none is where the rows without a cost stand, divide where the axis proper
// begins.
func (s *costPlot) none() float64   { return s.low - 4*s.pad() }
func (s *costPlot) divide() float64 { return s.low - 2*s.pad() }

func (s *costPlot) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax = s.low-s.pad(), s.high+s.pad()
	if s.some {
		xmin = s.none() - 2*s.pad()
	}
	ymin, ymax = math.Inf(1), math.Inf(-1)
	for _, p := range s.points {
		low, high := bounds(p.cell)
		ymin, ymax = min(ymin, s.factor*low), max(ymax, s.factor*high)
	}
	pad := 0.06 * (ymax - ymin)
	return xmin, xmax, ymin - pad, ymax + pad
}

// Ticks are powers of ten, thinned to six labels at most, with 2 and 5 between
// them where a range has fewer than two, and "none".
func (s *costPlot) Ticks(xmin, xmax float64) []plot.Tick {
	from := xmin
	var out []plot.Tick
	if s.some {
		out = append(out, plot.Tick{Value: s.none(), Label: "none"})
		from = s.divide()
	}
	first, last := math.Ceil(from), math.Floor(xmax)
	if last-first < 1 {
		for e := math.Floor(from); e <= last; e++ {
			for _, m := range []float64{1, 2, 5} {
				if v := e + math.Log10(m); v >= from && v <= xmax {
					out = append(out, plot.Tick{Value: v, Label: tickFLOPs(m * math.Pow(10, e))})
				}
			}
		}
		return out
	}
	every := math.Ceil((last - first + 1) / 6)
	for e := first; e <= last; e++ {
		t := plot.Tick{Value: e}
		if math.Mod(e-first, every) == 0 {
			t.Label = tickFLOPs(math.Pow(10, e))
		}
		out = append(out, t)
	}
	return out
}

// tickFLOPs is a round figure without decimals: 100G.
func tickFLOPs(v float64) string {
	e := max(0, int(math.Floor(math.Log10(v)*(1+1e-12)))) / 3 * 3
	return fixed(v/math.Pow(10, float64(e)), 0) + strings.TrimLeft(flops(math.Pow(10, float64(e))), "0123456789.")
}

func (s *costPlot) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := func(q costPoint) vg.Point {
		if q.flops == 0 {
			return vg.Point{X: x(s.none()), Y: y(s.factor * q.cell.Mean)}
		}
		return vg.Point{X: x(math.Log10(q.flops)), Y: y(s.factor * q.cell.Mean)}
	}
	if s.some {
		c.StrokeLine2(draw.LineStyle{Color: lightGrey, Width: 1}, x(s.divide()), c.Min.Y, x(s.divide()), c.Max.Y)
	}
	var steps []vg.Point // the best score so far, at each cost
	for i, q := range s.front {
		if i > 0 {
			steps = append(steps, vg.Point{X: at(q).X, Y: steps[len(steps)-1].Y})
		}
		steps = append(steps, at(q))
	}
	if len(steps) > 1 {
		c.StrokeLines(frontLine, steps)
	}
	for _, q := range s.points {
		pt := at(q)
		if q.cell.Interval != nil {
			c.StrokeLine2(draw.LineStyle{Color: q.look.Line.Color, Width: 0.8}, pt.X, y(s.factor*q.cell.Interval.Low), pt.X, y(s.factor*q.cell.Interval.High))
		}
		c.DrawGlyph(q.look.Glyph, pt)
	}
	for _, q := range s.front {
		c.DrawGlyph(frontGlyph, at(q))
	}
}
