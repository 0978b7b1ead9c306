package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// CurveFigures has a figure for each task, with a panel for each metric: a
// thin line for each seed and a thick one for their mean, at the steps where
// every seed of the row has a finite value. Values that are not finite leave
// gaps, and the caption counts them.
func CurveFigures(c *compare.Comparison, curves []Curve) ([]*Figure, error) {
	for _, k := range curves {
		if len(k.Steps) != len(k.Values) {
			return nil, fmt.Errorf("curve %s of %s on %s, seed %d: %d steps and %d values; give one value a step", k.Metric, k.Label, k.Task, k.Seed, len(k.Steps), len(k.Values))
		}
	}
	all := looks(c, curves)
	var out []*Figure
	for _, task := range distinct(curves, func(k Curve) string { return k.Task }) {
		of := filter(curves, func(k Curve) bool { return k.Task == task })
		var panels []*plot.Plot
		var gaps []string
		drawn := map[string]bool{}
		for _, metric := range distinct(of, func(k Curve) string { return k.Metric }) {
			s := &curvePlot{looks: all, curves: filter(of, func(k Curve) bool { return k.Metric == metric })}
			gaps = append(gaps, s.gaps()...)
			if !s.any() {
				continue
			}
			for _, k := range s.curves {
				drawn[k.Label] = true
			}
			p := newPanel(short(task, 40), "step", short(metric, 40))
			p.Add(s)
			panels = append(panels, p)
		}
		if len(panels) == 0 {
			continue
		}
		var legend []look
		for _, l := range all {
			if drawn[l.Label] {
				l.Glyph.Shape = nil
				legend = append(legend, l)
			}
		}
		caption := fmt.Sprintf("Learning curves on %s: thin lines are seeds, thick lines their mean at the steps that all seeds have.", task)
		if len(gaps) > 0 {
			caption += " Points that are not finite numbers leave gaps: " + strings.Join(gaps, ", ") + "."
		}
		f, err := drawFigure("curves-"+fileName(task, len(out)), caption, panels, 200, legend)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func distinct(curves []Curve, of func(Curve) string) []string {
	var out []string
	for _, k := range curves {
		if v := of(k); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func filter(curves []Curve, keep func(Curve) bool) []Curve {
	var out []Curve
	for _, k := range curves {
		if keep(k) {
			out = append(out, k)
		}
	}
	return out
}

// fileName keeps letters, digits, "-" and "_" of a task's name; a name that
// loses something gets its number, so that no two are equal.
func fileName(task string, number int) string {
	kept := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, task)
	if kept != task || kept == "" {
		return fmt.Sprintf("%s.%d", kept, number+1)
	}
	return kept
}

// curvePlot is the curves of one metric.
type curvePlot struct {
	curves []Curve
	looks  []look
}

// gaps counts the points that are not finite, by row and seed.
func (s *curvePlot) gaps() []string {
	var out []string
	for _, k := range s.curves {
		n := 0
		for _, v := range k.Values {
			if !finite(v) {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%s of %s, seed %d (%d)", k.Metric, k.Label, k.Seed, n))
		}
	}
	return out
}

func (s *curvePlot) any() bool {
	return slices.ContainsFunc(s.curves, func(k Curve) bool { return slices.ContainsFunc(k.Values, finite) })
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (s *curvePlot) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, k := range s.curves {
		for i, v := range k.Values {
			if finite(v) {
				xmin, xmax = min(xmin, float64(k.Steps[i])), max(xmax, float64(k.Steps[i]))
				ymin, ymax = min(ymin, v), max(ymax, v)
			}
		}
	}
	return xmin, xmax, ymin, ymax
}

func (s *curvePlot) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	line := func(sty draw.LineStyle, k Curve) {
		for _, part := range parts(k) {
			pts := make([]vg.Point, len(part))
			for i, q := range part {
				pts[i] = vg.Point{X: x(float64(q.step)), Y: y(q.value)}
			}
			if len(pts) == 1 { // a line of one point would not show
				c.DrawGlyph(draw.GlyphStyle{Color: sty.Color, Radius: sty.Width, Shape: draw.CircleGlyph{}}, pts[0])
				continue
			}
			c.StrokeLines(sty, pts)
		}
	}
	labels := distinct(s.curves, func(k Curve) string { return k.Label })
	for _, l := range labels {
		sty := lookOf(s.looks, l).Line
		sty.Width, sty.Dashes, sty.Color = 0.5, nil, pale(sty.Color)
		for _, k := range s.curves {
			if k.Label == l {
				line(sty, k)
			}
		}
	}
	for _, l := range labels {
		line(lookOf(s.looks, l).Line, meanCurve(filter(s.curves, func(k Curve) bool { return k.Label == l })))
	}
}
