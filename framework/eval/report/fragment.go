package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

//go:embed fragment.html.tmpl
var fragment string

// Fragment writes the tables and claims as HTML for another page, such as a
// notebook's output: no figures, no samples, no links within the page.
func Fragment(w io.Writer, c *compare.Comparison) error {
	t, err := parsed()
	if err == nil {
		_, err = t.Parse(fragment)
	}
	if err != nil {
		return fmt.Errorf("the fragment's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "fragment", newDocument(c)); err != nil {
		return fmt.Errorf("the table as HTML: %w", err)
	}
	_, err = w.Write(bytes.Map(printable, b.Bytes()))
	return err
}

// Findings are the claims of a task folded to sentences, as the report lists them,
// with the metric where the task has several.
func Findings(c *compare.Comparison, task string) []string {
	var of []claimGroup
	for _, g := range claimGroups(c) {
		if g.Column.Task == task {
			of = append(of, g)
		}
	}
	var out []string
	for _, g := range of {
		for _, l := range g.Lines {
			if len(of) > 1 {
				l = g.Column.Metric + ": " + l
			}
			out = append(out, l)
		}
	}
	return out
}
