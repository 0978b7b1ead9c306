package lab

import (
	"fmt"
	"os"
	"slices"

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
	var list []report.Line
	for _, l := range lines {
		list = append(list, report.Line(l))
	}
	return drawn(report.LinesFigure(title, x, y, list))
}
