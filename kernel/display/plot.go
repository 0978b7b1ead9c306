package display

import (
	"bytes"
	"fmt"
	"io"

	"gonum.org/v1/plot/vg"
)

// Plotter is what *plot.Plot of gonum.org/v1/plot does, and what embeds one: it is
// drawn as a PNG of PlotWidth by PlotHeight.
type Plotter = interface {
	WriterTo(width, height vg.Length, format string) (io.WriterTo, error)
}

// Size of plots that show themselves.
const (
	PlotWidth  = 15 * vg.Centimeter
	PlotHeight = 10 * vg.Centimeter
)

// drawn is a plot as a PNG.
func drawn(p Plotter) ([]byte, error) {
	w, err := p.WriterTo(PlotWidth, PlotHeight, "png")
	if err != nil {
		return nil, fmt.Errorf("drawing a plot: %w", err)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("drawing a plot: %w", err)
	}
	return b.Bytes(), nil
}
