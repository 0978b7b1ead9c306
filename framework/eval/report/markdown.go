package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// Markdown writes what Text shows, with pipe tables (GitHub Flavored Markdown
// 0.29, section 4.10).
func Markdown(w io.Writer, c *compare.Comparison) error {
	d := newDocument(c)
	var b strings.Builder
	pipes(&b, d.Scores)
	if len(d.Footnotes) > 0 {
		b.WriteByte('\n')
	}
	for i, n := range d.Footnotes {
		fmt.Fprintf(&b, "%d. %s\n", i+1, markdown(n))
	}
	if len(d.Costs.Rows) > 0 {
		b.WriteString("\n## Cost\n\nMean of a run; peak memory is the maximum.\n\n")
		pipes(&b, d.Costs)
	}
	if len(d.Forgetting.Rows) > 0 {
		b.WriteString("\n## Forgetting\n\nNats per token on the base model's held-out text.\n\n")
		pipes(&b, d.Forgetting)
	}
	if len(d.Further.Rows) > 0 {
		b.WriteString("\n## Further scores\n\nMean over seeds.\n\n")
		pipes(&b, d.Further)
	}
	if len(d.Claims) > 0 {
		b.WriteString("\n## Claims\n")
	}
	for _, g := range d.Claims {
		fmt.Fprintf(&b, "\n### %s\n\n", markdown(g.Title))
		for _, l := range g.Lines {
			fmt.Fprintf(&b, "- %s\n", markdown(l))
		}
	}
	if len(d.Notes) > 0 {
		b.WriteString("\n## Notes\n\n")
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "- %s\n", markdown(n))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func pipes(b *strings.Builder, t grid) {
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	var head, rule []string
	for i, h := range t.Header {
		head = append(head, markdown(h))
		if i < t.Left {
			rule = append(rule, "---")
		} else {
			rule = append(rule, "---:")
		}
	}
	line(head)
	line(rule)
	for _, r := range t.Rows {
		cells := make([]string, len(t.Header))
		switch cells[0] = markdown(r.Name); {
		case r.Group:
			cells[0] = "**" + cells[0] + "**"
		case r.Baseline:
			cells[0] = "*" + cells[0] + "*"
		}
		for i, c := range r.Cells {
			cells[i+1] = markdown(c.text(false))
		}
		line(cells)
	}
}

var escapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "]", `\]`, "\r", "", "\n", "<br>")

// markdown escapes what Markdown would read as markup.
func markdown(s string) string { return escapes.Replace(s) }
