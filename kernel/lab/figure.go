package lab

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/tunelab/tunelab/framework/eval/report"
)

// Figure is a drawing; a notebook shows it.
type Figure struct {
	Caption string
	svg     []byte
}

// SVG is the drawing.
func (f *Figure) SVG() string { return string(f.svg) }

// String is its caption.
func (f *Figure) String() string { return f.Caption }

// Save writes it as an SVG file.
func (f *Figure) Save(file string) error {
	if err := os.WriteFile(file, f.svg, 0o644); err != nil {
		return fmt.Errorf("save the figure: %w", err)
	}
	return nil
}

func drawn(f *report.Figure, err error) *Figure {
	if err != nil {
		panic(fmt.Errorf("draw a figure: %w", err))
	}
	if f == nil {
		panic("there is nothing to draw: no run has finished")
	}
	return &Figure{Caption: f.Caption, svg: f.SVG}
}

// Plot draws the scores with their intervals, a panel for each task and metric.
func (r *Result) Plot() *Figure { return drawn(report.ScoresFigure(r.report.Comparison)) }

// PlotCosts draws scores against the FLOPs that they took.
func (r *Result) PlotCosts() *Figure { return drawn(report.CostFigure(r.report.Comparison)) }

// PlotCurves draws the learning curves on a task.
func (r *Result) PlotCurves(task string) *Figure {
	var of []report.Curve
	for _, c := range r.report.Inputs.Curves {
		if c.Task == task {
			of = append(of, c)
		}
	}
	fs, err := report.CurveFigures(r.report.Comparison, of)
	if err != nil || len(fs) == 0 {
		return drawn(nil, err)
	}
	return drawn(fs[0], nil)
}

// Line is a line of a chart.
type Line struct {
	Name string
	X, Y []float64
}

// Line makes a curve a line.
func (c Curve) Line(name string) Line {
	l := Line{Name: name, Y: slices.Clone(c.Values)}
	for _, s := range c.Steps {
		l.X = append(l.X, float64(s))
	}
	return l
}

// Chart draws lines over a common axis. It panics where a line has no points, or not
// one y for each x.
func Chart(title, x, y string, lines ...Line) *Figure {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	for i, l := range lines {
		if len(l.X) != len(l.Y) || len(l.X) == 0 {
			panic(fmt.Sprintf("lab.Chart: line %q has %d x and %d y", l.Name, len(l.X), len(l.Y)))
		}
		points := make(plotter.XYs, len(l.X))
		for j := range l.X {
			points[j] = plotter.XY{X: l.X[j], Y: l.Y[j]}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			panic(fmt.Errorf("lab.Chart: line %q: %w", l.Name, err))
		}
		line.Color, line.Width, line.Dashes = plotutil.Color(i), vg.Points(1.5), plotutil.Dashes(i)
		p.Add(line)
		if len(lines) > 1 {
			p.Legend.Add(l.Name, line)
		}
	}
	c := vgsvg.New(420, 260)
	p.Draw(draw.Crop(draw.New(c), 4, -8, 4, -4))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		panic(fmt.Errorf("lab.Chart: %w", err))
	}
	return &Figure{Caption: title, svg: b.Bytes()}
}
