package report

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// Line is a line of a figure that is no part of a report: Y over X, with a mark at
// each point where these are few.
type Line struct {
	Name string
	X, Y []float64
}

// marked is how many points of a line are marked at most.
const marked = 12

// LinesFigure draws lines over a common axis, in the looks of the report.
func LinesFigure(title, x, y string, lines []Line) (*Figure, error) {
	p := newPanel(short(title, 60), x, y)
	var legend []look
	for i, l := range lines {
		if len(l.X) != len(l.Y) || len(l.X) == 0 {
			return nil, fmt.Errorf("line %q has %d x and %d y; give at least one, and as many of each", l.Name, len(l.X), len(l.Y))
		}
		points := make(plotter.XYs, len(l.X))
		for j := range l.X {
			points[j] = plotter.XY{X: l.X[j], Y: l.Y[j]}
		}
		look := look{Label: l.Name, Line: draw.LineStyle{Color: okabeIto[i%len(okabeIto)], Width: 1.6, Dashes: dashes[i%len(dashes)]}}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", l.Name, err)
		}
		line.LineStyle = look.Line
		p.Add(line)
		if len(points) <= marked {
			look.Glyph = draw.GlyphStyle{Color: okabeIto[i%len(okabeIto)], Radius: 3.4, Shape: shapes[i%len(shapes)]}
			marks, err := plotter.NewScatter(points)
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", l.Name, err)
			}
			marks.GlyphStyle = look.Glyph
			p.Add(marks)
		}
		legend = append(legend, look)
	}
	if len(lines) < 2 {
		legend = nil
	}
	if low, high := p.X.Min, p.X.Max; low == high { // a single point
		p.X.Min, p.X.Max = low-1, high+1
	}
	if low, high := p.Y.Min, p.Y.Max; low == high {
		p.Y.Min, p.Y.Max = low-1, high+1
	}
	return drawFigure("lines", title, []*plot.Plot{p}, 220, legend)
}
