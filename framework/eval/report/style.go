package report

import (
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// okabeIto are the colours of Okabe and Ito, "Color Universal Design" (2008,
// https://jfly.uni-koeln.de/color/), which people with any common colour
// vision tell apart. Yellow is left out: it is too pale on white.
var okabeIto = []color.Color{
	color.RGBA{0x00, 0x72, 0xB2, 0xff}, // blue
	color.RGBA{0xD5, 0x5E, 0x00, 0xff}, // vermilion
	color.RGBA{0x00, 0x9E, 0x73, 0xff}, // bluish green
	color.RGBA{0xCC, 0x79, 0xA7, 0xff}, // reddish purple
	color.RGBA{0xE6, 0x9F, 0x00, 0xff}, // orange
	color.RGBA{0x56, 0xB4, 0xE9, 0xff}, // sky blue
	color.RGBA{0x00, 0x00, 0x00, 0xff}, // black
}

var (
	white     = color.RGBA{0xff, 0xff, 0xff, 0xff}
	grey      = color.RGBA{0x66, 0x66, 0x66, 0xff}
	lightGrey = color.RGBA{0xdd, 0xdd, 0xdd, 0xff}
	dashes    = [][]vg.Length{nil, {5, 2}, {1.5, 1.5}, {6, 2, 1.5, 2}}
)

// shapes are filled first, then hollow; crosses are for baselines.
var (
	shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, polygon{{0, 1.3}, {1.3, 0}, {0, -1.3}, {-1.3, 0}},
		polygon{{-1.2, 0.9}, {1.2, 0.9}, {0, -1.2}}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{},
		polygon{{-0.9, 1.2}, {1.2, 0}, {-0.9, -1.2}}, polygon{{0.9, 1.2}, {-1.2, 0}, {0.9, -1.2}}}
	crosses = []draw.GlyphDrawer{draw.PlusGlyph{}, draw.CrossGlyph{}}
)

// polygon is a filled glyph; its corners are in units of the radius.
type polygon [][2]float64

// DrawGlyph draws it around pt.
func (g polygon) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, pt vg.Point) {
	var pts []vg.Point
	for _, q := range g {
		pts = append(pts, vg.Point{X: pt.X + vg.Length(q[0])*sty.Radius, Y: pt.Y + vg.Length(q[1])*sty.Radius})
	}
	c.FillPolygon(sty.Color, pts)
}

// look is how one row is drawn in every figure. Colour, shape and dash differ
// in step, so that rows stay apart without colour too.
type look struct {
	Label string
	Glyph draw.GlyphStyle
	Line  draw.LineStyle
}

// looks gives each method, baseline and curve label its look.
func looks(c *compare.Comparison, curves []Curve) []look {
	var out []look
	methods, baselines := 0, 0
	add := func(label string, baseline bool) {
		if slices.ContainsFunc(out, func(l look) bool { return l.Label == label }) {
			return
		}
		l := look{Label: label}
		if baseline {
			l.Glyph = draw.GlyphStyle{Color: grey, Radius: 3.2, Shape: crosses[baselines%len(crosses)]}
			l.Line = draw.LineStyle{Color: grey, Width: 1, Dashes: dashes[1+baselines%(len(dashes)-1)]}
			baselines++
		} else {
			l.Glyph = draw.GlyphStyle{Color: okabeIto[methods%len(okabeIto)], Radius: 3.4, Shape: shapes[methods%len(shapes)]}
			l.Line = draw.LineStyle{Color: okabeIto[methods%len(okabeIto)], Width: 1.6, Dashes: dashes[methods%len(dashes)]}
			methods++
		}
		out = append(out, l)
	}
	for _, r := range c.Rows {
		add(r.Name, r.Baseline)
	}
	for _, k := range curves {
		add(k.Label, false)
	}
	return out
}

func lookOf(all []look, label string) look {
	i := slices.IndexFunc(all, func(l look) bool { return l.Label == label })
	return all[i]
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func lettering(size vg.Length, c color.Color) text.Style {
	return text.Style{Color: c, Font: sans(size), Handler: plot.DefaultTextHandler}
}

// Panel text: titles 11 pt, axis names 10 pt, ticks and legends 9 pt.
func newPanel(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font = sans(11)
	p.Title.Padding = 4
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = sans(10), sans(9)
		a.Tick.Marker = roundTicks{}
		a.LineStyle.Width, a.Tick.LineStyle.Width = 0.6, 0.6
	}
	return p
}

// roundTicks labels multiples of 1, 2 or 5 times a power of ten, four to eight
// of them.
type roundTicks struct{}

// Ticks are in [low, high].
func (roundTicks) Ticks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, f := range []float64{0.1, 0.2, 0.5, 1} {
		if (high-low)/(f*step) <= 8 {
			step *= f
			break
		}
	}
	var out []plot.Tick
	first, places := math.Ceil(low/step), max(0, -int(math.Floor(math.Log10(step))))
	for i := range 10 { // a range too narrow for float64 would have no end
		if v := (first + float64(i)) * step; v <= high {
			out = append(out, plot.Tick{Value: v, Label: fixed(v, places)})
		}
	}
	return out
}

// short cuts a name in the middle to n characters; names of variants differ at
// the end as often as at the start.
func short(s string, n int) string {
	r := []rune(strings.Map(printable, s))
	if len(r) > n {
		tail := (n - 1) / 2
		return string(r[:n-1-tail]) + "…" + string(r[len(r)-tail:])
	}
	return string(r)
}
