package display

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
)

type point struct {
	X    int
	Y    float64
	Name string
	Took time.Duration
	note string
}

func TestTables(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		want string // without the tags of rows
	}{
		{"structs", []point{{1, 0.1 + 0.2, "a<b", time.Second, "hidden"}}, "||X|Y|Name|Took||0|1|0.3|a&lt;b|1s|"},
		{"pointers", []*point{nil, {X: 2}}, "||X|Y|Name|Took||0||||||1|2|0||0s|"},
		{"an array", [1]struct{ A any }{{[]int{1, 2}}}, "||A||0|[1 2]|"},
		{"maps by text", []map[string]any{{"b": 1}, {"a": "x", "b": nil}}, "||b|a||0|1|||1|&lt;nil&gt;|x|"},
		{"a map of numbers", map[int]float64{10: 1, 9: math.Pi}, "||||9|3.14159||10|1|"},
		{"a matrix", mat.NewDense(1, 2, []float64{3, 0.5}), "||0|1||0|3|0.5|"},
		{"a map of structs", map[string]struct{ A, B int }{"y": {3, 4}, "x": {1, 2}}, "||A|B||x|1|2||y|3|4|"},
	} {
		d, ok := Rich(c.v)
		got, _ := d.Data[MIMETypeHTML].(string)
		got = strings.NewReplacer("\n", "", `<td style="text-align:right">`, "", `<td style="text-align:left">`, "", "</td>", "|", "<th>", "", "</th>", "|",
			"<tr>", "|", "</tr>", "", "<table>", "", "</table>", "", "<thead>", "", "</thead>", "", "<tbody>", "", "</tbody>", "").Replace(got)
		if !ok || got != c.want {
			t.Errorf("%s: %t\n%s\nwant\n%s", c.name, ok, got, c.want)
		}
		if d.Data[MIMETypeText] != Text(c.v) {
			t.Errorf("%s has the text %v", c.name, d.Data[MIMETypeText])
		}
	}
}

func TestWhatStaysText(t *testing.T) {
	for _, v := range []any{
		[]int{1, 2}, []string{"a"}, []byte("x"), [][]float64{{1}}, []point{}, map[string]int(nil), map[string][]string{"a": {"b"}}, []time.Time{{}},
		map[string]time.Duration{"a": 1}, []error{errors.New("x")}, []struct{}{{}}, map[string]any{"a": 1}, nil, 5, "text", errors.New("an error"), point{},
	} {
		if d, ok := Rich(v); ok {
			t.Errorf("%T is shown as %v", v, d)
		}
	}
}

func TestLongTablesAreCut(t *testing.T) {
	d, _ := Rich(make([]point, 1000))
	s := d.Data[MIMETypeHTML].(string)
	if strings.Count(s, "<tr>") != 1+mostRows || !strings.Contains(s, "60 of 1000 rows, 4 of 4 columns") {
		t.Error(s)
	}
	wide := map[string]int{}
	for i := range 100 {
		wide[string(rune('一'+i))] = i
	}
	d, _ = Rich([]map[string]int{wide})
	if s := d.Data[MIMETypeHTML].(string); strings.Count(s, "<td") != mostColumns || !strings.Contains(s, "1 of 1 rows, 30 of 100 columns") {
		t.Error(s)
	}
}

func TestPlots(t *testing.T) {
	p := plot.New()
	p.Title.Text = "a plot"
	own := struct{ *plot.Plot }{p}
	for _, v := range []any{p, own} {
		d, ok := Rich(v)
		png, _ := d.Data[MIMETypePNG].([]byte)
		if !ok || !strings.HasPrefix(string(png), "\x89PNG") || len(png) < 2000 {
			t.Errorf("%T is shown as %v", v, d)
		}
	}
	var none *plot.Plot
	if d, ok := Rich(none); ok {
		t.Errorf("a nil plot is shown as %v", d)
	}
}
