package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

//go:embed report.html.tmpl
var page string

// HTML writes one file that needs no other: figures are inline SVG, and there
// is no script. Figures are those of ScoresFigure, CostFigure and
// CurveFigures.
func HTML(w io.Writer, c *compare.Comparison, in Inputs, figures []*Figure) error {
	t, err := parsed()
	if err != nil {
		return err
	}
	d := struct {
		document
		Inputs
		Name    string
		Figures []inlineFigure
		Runs    []runRef
		ByItem  [][]Sample
	}{document: newDocument(c), Inputs: in, Name: in.title(), Runs: runs(c), ByItem: byItem(in.Samples)}
	for _, f := range figures {
		d.Figures = append(d.Figures, inlineFigure{f, inline(f.SVG)})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return fmt.Errorf("the report as HTML: %w", err)
	}
	_, err = w.Write(bytes.Map(printable, b.Bytes()))
	return err
}

// parsed is the page's template.
func parsed() (*template.Template, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"inc":    func(i int) int { return i + 1 },
		"lines":  func(s string) []string { return strings.Split(s, "\n") },
		"left":   func(t grid, i int) bool { return i < t.Left },
		"score":  func(v float64) string { return fixed(v, decimals(v, 3)) },
		"number": pValue,
		"differs": func(g claimGroup, c compare.Claim) string {
			if c.Seeds == 0 {
				return ""
			}
			s := signed(g.Column, c.Difference)
			if c.Interval != nil {
				s += fmt.Sprintf(" [%s, %s]", signed(g.Column, c.Interval.Low), signed(g.Column, c.Interval.High))
			}
			return s
		},
	}).Parse(page)
	if err != nil {
		return nil, fmt.Errorf("the report's template: %w", err)
	}
	return t, nil
}

type inlineFigure struct {
	*Figure
	Inline template.HTML
}

// inline is an SVG file's root element. Text in it was escaped when it was
// drawn.
func inline(svg []byte) template.HTML {
	if i := bytes.Index(svg, []byte("<svg")); i > 0 {
		svg = svg[i:]
	}
	return template.HTML(svg)
}

// pValue writes a p-value, none as nothing.
func pValue(p *float64) string {
	switch {
	case p == nil:
		return ""
	case *p < 0.0001:
		return "<0.0001"
	}
	return fixed(*p, 4)
}

// byItem groups samples of one task and item, in the order first seen.
func byItem(samples []Sample) [][]Sample {
	var out [][]Sample
	at := map[[2]string]int{}
	for _, s := range samples {
		k := [2]string{s.Task, s.Item}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k], out = i, append(out, nil)
		}
		out[i] = append(out[i], s)
	}
	return out
}
