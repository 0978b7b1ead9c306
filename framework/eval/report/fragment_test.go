package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestFragment(t *testing.T) {
	c := study(3)
	var b bytes.Buffer
	if err := Fragment(&b, c); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	balanced(t, page)
	for _, r := range c.Rows {
		if !strings.Contains(page, r.Name) {
			t.Errorf("row %q is not there", r.Name)
		}
	}
	for _, no := range []string{"<html", "href=", "<script"} {
		if strings.Contains(page, no) {
			t.Errorf("a part of another page has %s", no)
		}
	}
}

func TestFindings(t *testing.T) {
	c := study(3)
	task := c.Columns[0].Task
	lines := Findings(c, task)
	if len(lines) == 0 || len(Findings(c, "no such task")) != 0 {
		t.Errorf("%v", lines)
	}
	var text bytes.Buffer
	if err := Text(&text, c, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(lines[0], c.Columns[0].Metric+": "), ",")
	if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), first) {
		t.Errorf("%q is not among the table's claims", first)
	}
}

func TestLinesFigure(t *testing.T) {
	f, err := LinesFigure("title", "x", "y", []Line{{"one", []float64{1, 2}, []float64{3, 4}}, {"two", []float64{1}, []float64{2}}})
	if err != nil || !strings.Contains(string(f.SVG), "two") {
		t.Fatal(err)
	}
	if f, err := LinesFigure("", "", "", []Line{{"one point", []float64{1}, []float64{3}}}); err != nil || strings.Contains(string(f.SVG), "NaN") {
		t.Error("a single point:", err)
	}
	for _, l := range []Line{{"none", nil, nil}, {"uneven", []float64{1}, nil}} {
		if _, err := LinesFigure("", "", "", []Line{l}); err == nil || !strings.Contains(err.Error(), l.Name) {
			t.Errorf("%v: %v", l, err)
		}
	}
}
