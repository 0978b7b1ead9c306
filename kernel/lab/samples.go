package lab

import (
	"fmt"
	"html"
	"strings"
)

// Sample is one test item as a method answered it.
type Sample struct {
	Method, Task, Prompt, Answer, Reference string
	Score                                   float64
}

// Samples shows itself as a table.
type Samples []Sample

// Samples are the first test items of a task as every method answered them.
func (r *Result) Samples(task string) Samples {
	var out Samples
	for _, s := range r.report.Inputs.Samples {
		if s.Task == task {
			out = append(out, Sample{Method: s.Label, Task: s.Task, Prompt: s.Prompt, Answer: s.Answer, Reference: s.Reference, Score: s.Score})
		}
	}
	return out
}

// HTML is the table.
func (list Samples) HTML() string {
	var b strings.Builder
	b.WriteString(`<table class="tunelab-samples"><thead><tr><th style="text-align:left">prompt</th><th style="text-align:left">method</th><th style="text-align:left">answer</th><th style="text-align:left">reference</th><th>score</th></tr></thead><tbody>`)
	for _, s := range list {
		fmt.Fprintf(&b, `<tr><td style="text-align:left;white-space:pre-wrap">%s</td><td style="text-align:left">%s</td><td style="text-align:left;white-space:pre-wrap">%s</td><td style="text-align:left">%s</td><td>%.3g</td></tr>`,
			html.EscapeString(s.Prompt), html.EscapeString(s.Method), html.EscapeString(s.Answer), html.EscapeString(s.Reference), s.Score)
	}
	b.WriteString("</tbody></table>")
	return b.String()
}

// String is the samples as text.
func (list Samples) String() string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%q\n  %s: %q (reference %q), score %.3g\n", s.Prompt, s.Method, s.Answer, s.Reference, s.Score)
	}
	return b.String()
}
