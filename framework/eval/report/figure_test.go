package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

func drawAll(t *testing.T, c *compare.Comparison, curves []Curve) []*Figure {
	t.Helper()
	fs, err := Figures(c, curves)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func figureNamed(t *testing.T, fs []*Figure, name string) *Figure {
	t.Helper()
	for _, f := range fs {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no figure %s", name)
	return nil
}

func TestFigures(t *testing.T) {
	c := study(3)
	fs := drawAll(t, c, curves())
	again := drawAll(t, study(3), curves())
	if len(fs) != 3 {
		t.Fatalf("%d figures", len(fs))
	}
	for i, f := range fs {
		if !bytes.Equal(f.SVG, again[i].SVG) || !bytes.Equal(f.PNG, again[i].PNG) {
			t.Errorf("%s: equal inputs give other bytes", f.Name)
		}
		im, err := png.Decode(bytes.NewReader(f.PNG))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		colours := map[[3]uint32]bool{}
		for y := range im.Bounds().Dy() {
			for x := range im.Bounds().Dx() {
				r, g, b, _ := im.At(x, y).RGBA()
				colours[[3]uint32{r >> 8, g >> 8, b >> 8}] = true
			}
		}
		if !colours[[3]uint32{0xff, 0xff, 0xff}] || !colours[[3]uint32{0x56, 0xB4, 0xE9}] { // paper, and lora's sky blue
			t.Errorf("%s: the PNG has no drawing on white", f.Name)
		}
		words := labels(t, f)
		for _, w := range words {
			for _, o := range words {
				if w != o && w.overlaps(o) {
					t.Errorf("%s: %q and %q overlap", f.Name, w.text, o.text)
				}
			}
		}
	}
	for _, name := range []string{"scores", "cost"} {
		words := labels(t, figureNamed(t, fs, name))
		for _, r := range c.Rows {
			if !slices.ContainsFunc(words, func(l label) bool { return l.text == r.Name }) {
				t.Errorf("%s does not name %s", name, r.Name)
			}
		}
		for _, col := range c.Columns {
			if !slices.ContainsFunc(words, func(l label) bool { return l.text == col.Task }) {
				t.Errorf("%s has no panel %s", name, col.Task)
			}
		}
	}
	if s := string(figureNamed(t, fs, "scores").SVG); strings.Count(s, ">n/a<") != 4 || strings.Count(s, ">failed<") != 1 {
		t.Error("cells without a score are not marked")
	}
	if f := figureNamed(t, fs, "cost"); !strings.Contains(string(f.SVG), ">none<") || !strings.Contains(f.Caption, "no FLOPs recorded") {
		t.Error("the row without a cost is not told apart")
	}
	if f := figureNamed(t, fs, "curves-sentiment"); !strings.Contains(f.Caption, "train/loss of full, seed 3 (20)") || !strings.Contains(f.Caption, "val/accuracy of full, seed 3 (1)") {
		t.Errorf("gaps are not counted: %s", f.Caption)
	}
}

// label is a horizontal text of an SVG, with the box it fills.
type label struct {
	text          string
	x, y, w, size float64
}

func (l label) overlaps(o label) bool {
	return l.x < o.x+o.w && o.x < l.x+l.w && l.y < o.y+0.7*o.size && o.y < l.y+0.7*l.size
}

// labels reads an SVG's texts; it fails where the XML is not well formed.
// Turned text is left out.
func labels(t *testing.T, f *Figure) []label {
	t.Helper()
	var out []label
	var turned []bool
	var open *label
	dec := xml.NewDecoder(bytes.NewReader(f.SVG))
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("%s: not well-formed SVG: %v", f.Name, err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			l, turn := label{}, false
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "x":
					fmt.Sscan(a.Value, &l.x)
				case "y":
					fmt.Sscan(a.Value, &l.y)
					l.y = -l.y
				case "style":
					if _, size, ok := strings.Cut(a.Value, "font-size:"); ok {
						fmt.Sscanf(size, "%gpx", &l.size)
					}
				case "transform":
					turn = strings.Contains(a.Value, "rotate")
				}
			}
			turned = append(turned, turn)
			if e.Name.Local == "text" {
				open = &l
			}
		case xml.CharData:
			if open != nil {
				open.text += string(e)
			}
		case xml.EndElement:
			if open != nil {
				if !slices.Contains(turned, true) {
					open.w = float64(lettering(vg.Length(open.size), grey).Width(open.text))
					out = append(out, *open)
				}
				open = nil
			}
			turned = turned[:len(turned)-1]
		}
	}
}

// TestLooksDiffer keeps nine methods and two baselines apart.
func TestLooksDiffer(t *testing.T) {
	all := looks(study(1), []Curve{{Label: "extra"}})
	if len(all) != 12 {
		t.Fatalf("%d looks", len(all))
	}
	seen := map[string]string{}
	for _, l := range all {
		key := fmt.Sprintf("%v %T%v %v", l.Glyph.Color, l.Glyph.Shape, l.Glyph.Shape, l.Line.Dashes)
		if o, twice := seen[key]; twice {
			t.Errorf("%s looks like %s", l.Label, o)
		}
		seen[key] = l.Label
	}
}

func TestFront(t *testing.T) {
	at := func(flops, mean float64) costPoint { return costPoint{flops: flops, cell: compare.Cell{Mean: mean}} }
	points := []costPoint{at(4, 3), at(1, 1), at(2, 1), at(3, 3), at(0, 9), at(5, 4), at(5, 3.5)}
	for _, c := range []struct {
		lower bool
		want  []float64
	}{{false, []float64{1, 3, 5}}, {true, []float64{1}}} {
		var got []float64
		for _, p := range front(points, c.lower) {
			got = append(got, p.flops)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("lower %v: front at %v, want %v", c.lower, got, c.want)
		}
	}
}

func TestMeanCurve(t *testing.T) {
	m := meanCurve([]Curve{{Steps: []int64{1, 2, 3}, Values: []float64{1, 2, math.Inf(1)}}, {Steps: []int64{1, 3, 4, 4}, Values: []float64{3, 1, 1, 1}}})
	if fmt.Sprint(m.Steps, m.Values) != "[1 2 3 4] [2 NaN +Inf NaN]" {
		t.Errorf("mean %v %v", m.Steps, m.Values)
	}
	if p := parts(m); len(p) != 1 || len(p[0]) != 1 {
		t.Errorf("stretches %v", p)
	}
}

// TestThin keeps a spike in a long curve, its ends' order, and the bound.
func TestThin(t *testing.T) {
	k := Curve{}
	for i := range int64(50_000) {
		k.Steps, k.Values = append(k.Steps, i), append(k.Values, math.Sin(float64(i)/9000))
	}
	k.Values[31_234] = 77
	p := parts(k)
	if len(p) != 1 || len(p[0]) > drawnPoints {
		t.Fatalf("%d stretches, %d points", len(p), len(p[0]))
	}
	if !slices.Contains(p[0], point{31_234, 77}) {
		t.Error("the spike is gone")
	}
	if !slices.IsSortedFunc(p[0], func(a, b point) int { return int(a.step - b.step) }) {
		t.Error("steps go back")
	}
}

// TestFiguresAtTheEdges has what can stop a drawing: nothing to show, one
// value, equal values, a tiny spread, no cost at all, curves without a finite
// point, and a curve with too few values.
func TestFiguresAtTheEdges(t *testing.T) {
	if fs := drawAll(t, compare.Compare(nil, compare.Options{}), nil); len(fs) != 0 {
		t.Errorf("%d figures of nothing", len(fs))
	}
	for _, values := range [][]float64{{0.5}, {0.5, 0.5}, {0.5, 0.5 + 1e-16}, {1e-12, 3e12}} {
		var rs []compare.Result
		for i, v := range values {
			rs = append(rs, compare.Result{Method: fmt.Sprint("m", i), Task: "t", Metric: "x", LowerIsBetter: true, Value: v})
		}
		if fs := drawAll(t, compare.Compare(rs, compare.Options{}), []Curve{{Label: "m0", Task: "t", Metric: "x", Steps: []int64{1}, Values: []float64{math.NaN()}}}); len(fs) != 2 {
			t.Errorf("%v: %d figures", values, len(fs))
		}
	}
	if _, err := CurveFigures(compare.Compare(nil, compare.Options{}), []Curve{{Label: "m", Task: "t", Metric: "x", Steps: []int64{1}}}); err == nil || !strings.Contains(err.Error(), "1 steps and 0 values") {
		t.Errorf("error %v", err)
	}
}

func TestFileName(t *testing.T) {
	for i, want := range []string{"a_b-1", "ab.2", ".3"} {
		if got := fileName([]string{"a_b-1", "../a b", "…"}[i], i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
