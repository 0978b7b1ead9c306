package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// TextOptions sets the terminal table.
type TextOptions struct {
	Width int // columns to fit in; default 120
}

// Text writes the comparison for a terminal or a log, without colour codes.
// Where the score table is wider than Width, intervals go below their means,
// and then columns go into further tables; a single column is never cut.
func Text(w io.Writer, c *compare.Comparison, o TextOptions) error {
	if o.Width == 0 {
		o.Width = 120
	}
	d := newDocument(c)
	p := &printer{width: o.Width}
	p.scores(d.Scores)
	for i, n := range d.Footnotes {
		p.wrap(fmt.Sprintf("(%d) ", i+1), n)
	}
	if len(d.Costs.Rows) > 0 {
		p.heading("Cost (mean of a run; peak memory is the maximum)")
		p.block(d.Costs)
	}
	if len(d.Forgetting.Rows) > 0 {
		p.heading("Forgetting (nats per token on the base model's held-out text)")
		p.block(d.Forgetting)
	}
	if len(d.Further.Rows) > 0 {
		p.heading("Further scores (mean over seeds)")
		p.block(d.Further)
	}
	if len(d.Claims) > 0 {
		p.heading("Claims")
		for _, g := range d.Claims {
			p.wrap("", g.Title)
			for _, l := range g.Lines {
				p.wrap("  - ", l)
			}
		}
	}
	if len(d.Notes) > 0 {
		p.heading("Notes")
		for _, n := range d.Notes {
			p.wrap("- ", n)
		}
	}
	_, err := io.WriteString(w, strings.Map(printable, p.out.String()))
	return err
}

// printable drops control characters, which a plugin's message may hold, a
// terminal would obey, and XML cannot hold.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return -1
	}
	return r
}

type printer struct {
	out   strings.Builder
	width int
}

func (p *printer) heading(s string) { p.out.WriteString("\n" + s + "\n") }

// scores writes the score table in the form that fits.
func (p *printer) scores(t grid) {
	for _, l := range []layout{{gap: 2}, {gap: 2, stacked: true}} {
		if s := render(t, l); widest(s) <= p.width {
			p.out.WriteString(s)
			return
		}
	}
	for from := 0; from+1 < len(t.Header); {
		to := from + 1
		for to+1 < len(t.Header) && widest(render(t.columns(from, to+1), layout{gap: 2})) <= p.width {
			to++
		}
		if from > 0 {
			p.out.WriteByte('\n')
		}
		p.out.WriteString(render(t.columns(from, to), layout{gap: 2}))
		from = to
	}
}

// block writes a table, narrowly spaced where it would not fit.
func (p *printer) block(t grid) {
	s := render(t, layout{gap: 2})
	if widest(s) > p.width {
		s = render(t, layout{gap: 1})
	}
	p.out.WriteString(s)
}

// columns is the table with columns from to to-1 alone, beside the names.
func (t grid) columns(from, to int) grid {
	t.Header = append([]string{t.Header[0]}, t.Header[from+1:to+1]...)
	t.Rows = slices.Clone(t.Rows)
	for i := range t.Rows {
		t.Rows[i].Cells = t.Rows[i].Cells[from:to]
	}
	return t
}

// Names wrap at nameWidth, headings at headWidth, and words in columns of
// figures at wordWidth.
const (
	nameWidth = 16
	headWidth = 20
	wordWidth = 15
)

type layout struct {
	gap     int  // spaces between columns
	stacked bool // intervals below their means
}

func render(t grid, l layout) string {
	w := table.NewWriter()
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true}
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", l.gap)
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	var configs []table.ColumnConfig
	var head table.Row
	for i, h := range t.Header {
		head = append(head, wrapLines(h, headWidth))
		if i >= t.Left {
			configs = append(configs, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(head)
	for _, r := range t.Rows {
		if r.Rule {
			w.AppendSeparator()
		}
		line := table.Row{wrapLines(r.Name, nameWidth)}
		for i, c := range r.Cells {
			s := c.text(l.stacked)
			if i+1 >= t.Left {
				s = wrapLines(s, wordWidth)
			}
			line = append(line, s)
		}
		w.AppendRow(line)
	}
	return w.Render() + "\n"
}

// wrapLines wraps each line of s by itself, at spaces where there are any.
func wrapLines(s string, width int) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if text.StringWidthWithoutEscSequences(l) > width {
			lines[i] = strings.TrimRight(text.WrapSoft(l, width), " ")
		}
	}
	return strings.Join(lines, "\n")
}

func (c cell) text(stacked bool) string {
	s := c.Main
	note := ""
	if c.Note > 0 {
		note = fmt.Sprintf(" (%d)", c.Note)
	}
	switch {
	case c.Detail == "":
		return s + note
	case stacked:
		return s + note + "\n" + c.Detail
	}
	return s + " " + c.Detail + note
}

func widest(s string) int {
	w := 0
	for line := range strings.Lines(s) {
		w = max(w, text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")))
	}
	return w
}

// wrap writes words after a prefix and indents what follows as far.
func (p *printer) wrap(prefix, s string) {
	indent := strings.Repeat(" ", len(prefix))
	line := prefix
	for i, word := range strings.Fields(s) {
		if i > 0 && text.StringWidthWithoutEscSequences(line)+1+text.StringWidthWithoutEscSequences(word) > p.width {
			p.out.WriteString(line + "\n")
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	p.out.WriteString(line + "\n")
}
