package report

import (
	"bytes"
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Figure is a drawing with its caption.
type Figure struct {
	Name    string // of the file, without ending
	Caption string
	SVG     []byte
	PNG     []byte // 150 dots per inch
}

// Panels stand two abreast; a single one is as wide as needed to read it.
const (
	panelWidth = 330 // points, with axis and padding
	panelGap   = 14
	legendLine = 14
	margin     = 8
	dpi        = 150
)

// drawFigure lays panels of one height out in rows of two, with the legend
// below them.
func drawFigure(name, caption string, panels []*plot.Plot, height vg.Length, legend []look) (*Figure, error) {
	cols := min(2, len(panels))
	rows := (len(panels) + cols - 1) / cols
	width := vg.Length(cols)*panelWidth + vg.Length(cols-1)*panelGap + 2*margin
	if cols == 1 {
		width = 1.4 * panelWidth
	}
	lines := flow(legend, width-2*margin)
	below := vg.Length(len(lines))*legendLine + margin
	total := vg.Length(rows)*height + vg.Length(rows-1)*panelGap + below + margin

	tiles := make([][]*plot.Plot, rows)
	for i := range tiles {
		tiles[i] = make([]*plot.Plot, cols)
		copy(tiles[i], panels[i*cols:min(len(panels), (i+1)*cols)])
	}
	paint := func(c vg.CanvasSizer) {
		dc := draw.New(c)
		dc.FillPolygon(white, []vg.Point{dc.Min, {X: dc.Max.X, Y: dc.Min.Y}, dc.Max, {X: dc.Min.X, Y: dc.Max.Y}})
		body := draw.Crop(dc, margin, -margin, below, -margin)
		for i, row := range plot.Align(tiles, draw.Tiles{Rows: rows, Cols: cols, PadX: panelGap, PadY: panelGap}, body) {
			for j, at := range row {
				if tiles[i][j] != nil {
					tiles[i][j].Draw(at)
				}
			}
		}
		drawLegend(dc, lines, below-margin/2)
	}
	f := &Figure{Name: name, Caption: caption}
	svg := vgsvg.New(width, total)
	paint(svg)
	var b bytes.Buffer
	if _, err := svg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figure %s as SVG: %w", name, err)
	}
	f.SVG = b.Bytes()
	img := vgimg.NewWith(vgimg.UseWH(width, total), vgimg.UseDPI(dpi))
	paint(img)
	var p bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&p); err != nil {
		return nil, fmt.Errorf("figure %s as PNG: %w", name, err)
	}
	f.PNG = p.Bytes()
	return f, nil
}

// legendSample is the width of the line and glyph before a legend's name.
const legendSample = 22

// flow breaks a legend into lines that fit.
func flow(entries []look, width vg.Length) [][]look {
	var out [][]look
	used := width
	for _, e := range entries {
		w := entryWidth(e)
		if used+w > width || len(out) == 0 {
			out, used = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], e)
		used += w
	}
	return out
}

func entryWidth(e look) vg.Length {
	return legendSample + 4 + lettering(9, grey).Width(short(e.Label, 28)) + 14
}

func drawLegend(dc draw.Canvas, lines [][]look, top vg.Length) {
	sty := lettering(9, okabeIto[6])
	sty.YAlign = text.YCenter
	for i, line := range lines {
		x, y := dc.Min.X+margin, dc.Min.Y+top-(vg.Length(i)+0.5)*legendLine
		for _, e := range line {
			dc.StrokeLine2(e.Line, x, y, x+legendSample, y)
			if e.Glyph.Shape != nil {
				dc.DrawGlyph(e.Glyph, vg.Point{X: x + legendSample/2, Y: y})
			}
			dc.FillText(sty, vg.Point{X: x + legendSample + 4, Y: y}, short(e.Label, 28))
			x += entryWidth(e)
		}
	}
}
