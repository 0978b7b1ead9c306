package lab

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
	"github.com/tunelab/tunelab/framework/eval/report"
	framework "github.com/tunelab/tunelab/framework/lab"
	"github.com/tunelab/tunelab/tracking"
)

// Result is what a study found. A notebook shows it as its table.
type Result struct {
	Name    string
	Rows    []Row   // methods and baselines by task and metric, in the table's order
	Claims  []Claim // about pairs of rows
	Stopped bool    // an interrupt ended it early

	plan   *Plan
	report *framework.Report
}

// Row is one method on one task by one metric: its mean over seeds.
type Row struct {
	Method        string // the row's label
	Task          string
	Metric        string
	LowerIsBetter bool
	Baseline      bool
	State         string // "finished", "not applicable", "failed", or another state of a run
	Reason        string // when it is not finished
	Mean          float64
	Low, High     float64 // of the 95% interval; both Mean where there is none
	Seeds         []int64
	Values        []float64          // one a seed
	Runs          []string           // their ids, one a seed
	Items         int                // test items
	Extra         map[string]float64 // further scores, such as heldout_loss
	Cost          Cost               // of a run, on average
}

// Cost is what a run used.
type Cost struct {
	TrainableParams, LabelledExamples, TrainTokens, PromptTokens, GeneratedTokens int64
	FLOPs, WallSeconds, CPUSeconds                                                float64
	PeakMemoryBytes, ArtifactBytes                                                int64
}

// Claim is what the data say of two rows.
type Claim struct {
	Task, Metric, A, B string
	About              string  // "runs" or "methods"
	Difference         float64 // A minus B
	Verdict            string  // "better", "equivalent", "not resolved" or "cannot be tested"
	Winner             string
	Text               string
}

// read makes the result of what is recorded of the study.
func (p *Plan) read(l *framework.Lab) (*Result, error) {
	rep, err := l.Report(context.Background(), p.study.Name)
	if err != nil {
		return nil, err
	}
	res := &Result{Name: p.study.Name, plan: p, report: rep}
	c := rep.Comparison
	for _, r := range c.Rows {
		for j, cell := range r.Cells {
			col := c.Columns[j]
			row := Row{Method: r.Name, Task: col.Task, Metric: col.Metric, LowerIsBetter: col.LowerIsBetter, Baseline: r.Baseline, State: cell.State, Reason: cell.Reason,
				Mean: cell.Mean, Low: cell.Mean, High: cell.Mean, Seeds: cell.Seeds, Values: cell.Values, Runs: cell.Runs, Items: cell.Items, Extra: cell.Extra}
			if i := cell.Interval; i != nil {
				row.Low, row.High = i.Low, i.High
			}
			for _, k := range c.Costs {
				if k.Name == r.Name && k.Task == col.Task {
					row.Cost = cost(k.Cost)
				}
			}
			res.Rows = append(res.Rows, row)
		}
	}
	for _, k := range c.Claims {
		res.Claims = append(res.Claims, Claim{Task: k.Task, Metric: k.Metric, A: k.A, B: k.B, About: k.About, Difference: k.Difference, Verdict: k.Verdict, Winner: k.Winner, Text: k.Text})
	}
	return res, nil
}

func cost(c compare.Cost) Cost {
	return Cost{TrainableParams: c.TrainableParams, LabelledExamples: c.LabelledExamples, TrainTokens: c.TrainTokens, PromptTokens: c.PromptTokens, GeneratedTokens: c.GeneratedTokens,
		FLOPs: c.FLOPs, WallSeconds: c.WallSeconds, CPUSeconds: c.CPUSeconds, PeakMemoryBytes: c.PeakMemoryBytes, ArtifactBytes: c.ArtifactBytes}
}

// Row is a method on a task by the task's own metric. It panics where the study has none.
func (r *Result) Row(method, task string) Row {
	i := slices.IndexFunc(r.Rows, func(x Row) bool { return x.Method == method && x.Task == task })
	if i < 0 {
		panic(fmt.Sprintf("study %s has no row %q on %q; it has %s", r.Name, method, task, strings.Join(r.names(), ", ")))
	}
	return r.Rows[i]
}

func (r *Result) names() (out []string) {
	for _, x := range r.Rows {
		if n := x.Method + " on " + x.Task; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// Best is the method, no baseline, with the best mean on a task by its own metric;
// the first of equals. It panics where none finished.
func (r *Result) Best(task string) Row {
	var best *Row
	for i, x := range r.Rows {
		if x.Task != task || x.Baseline || x.State != compare.Finished || best != nil && x.Metric != best.Metric {
			continue
		}
		if best == nil || x.Mean != best.Mean && (x.Mean < best.Mean) == x.LowerIsBetter {
			best = &r.Rows[i]
		}
	}
	if best == nil {
		panic(fmt.Sprintf("study %s: no method has finished on %q", r.Name, task))
	}
	return *best
}

// Findings says what the data say of a task, in words: who is better than whom, what
// is equivalent, what is not resolved and what would resolve it.
func (r *Result) Findings(task string) Findings {
	return report.Findings(r.report.Comparison, task)
}

// Findings are sentences; a notebook shows them as a list.
type Findings []string

// Markdown is the list.
func (f Findings) Markdown() string { return "- " + strings.Join(f, "\n- ") }

// String is the sentences, a line each.
func (f Findings) String() string { return strings.Join(f, "\n") }

// run finds a run by its id, a beginning of it, or a row's name (its first seed).
func (r *Result) run(name string) string {
	for _, x := range r.Rows {
		if x.Method == name && len(x.Runs) > 0 {
			return x.Runs[0]
		}
	}
	return name
}

// Curve is a metric of a run over its steps.
type Curve struct {
	Name   string
	Steps  []int64
	Values []float64
}

// Last is the curve's last value.
func (c Curve) Last() float64 { return c.Values[len(c.Values)-1] }

// Mean has one value a step, the mean of those that were reported at it.
func (c Curve) Mean() Curve {
	out := Curve{Name: c.Name}
	for i, n := 0, 0; i < len(c.Steps); i++ {
		if last := len(out.Steps) - 1; last >= 0 && out.Steps[last] == c.Steps[i] {
			n++
			out.Values[last] += (c.Values[i] - out.Values[last]) / float64(n)
			continue
		}
		n = 1
		out.Steps, out.Values = append(out.Steps, c.Steps[i]), append(out.Values, c.Values[i])
	}
	return out
}

// Metric reads back what a run reported, such as train/loss: by the run's id, or a
// row's name for its first seed. Metrics of a chain's earlier stages are found too.
func (r *Result) Metric(run, key string) (Curve, error) {
	out := Curve{Name: run}
	var there []string
	err := r.plan.with(func(ctx context.Context, l *framework.Lab) error {
		row, err := l.ShowRun(ctx, r.run(run))
		if err != nil {
			return err
		}
		ids := []string{row.ID}
		for _, p := range row.Parents {
			if p.Relation == tracking.InitialisedFrom {
				ids = append(ids, p.Parent)
			}
		}
		for _, id := range ids {
			ms, err := l.Store.Metrics(ctx, id, tracking.MetricFilter{})
			if err != nil {
				return err
			}
			for _, m := range ms {
				if m.Name == key {
					out.Steps, out.Values = append(out.Steps, m.Step), append(out.Values, m.Value)
				}
				if !slices.Contains(there, m.Name) {
					there = append(there, m.Name)
				}
			}
			if len(out.Values) > 0 {
				return nil
			}
		}
		slices.Sort(there)
		return fmt.Errorf("run %s has no metric %q; it has: %s", row.ID, key, strings.Join(there, ", "))
	})
	return out, err
}

// Replay runs a run again and says whether it is bit-identical: by the run's id, or a
// row's name for its first seed.
func (r *Result) Replay(run string) (*Replayed, error) {
	var out *Replayed
	err := r.plan.with(func(ctx context.Context, l *framework.Lab) error {
		found, err := l.Replay(ctx, r.run(run))
		if err != nil {
			return err
		}
		out = &Replayed{Run: found.Run, Replay: found.Replay, Identical: found.Identical, Metrics: found.Metrics, Answers: found.Answers, Files: found.Files, Changed: found.Changed}
		for _, s := range found.Stages {
			if s.Difference != "" && out.Difference == "" {
				out.Difference = s.Difference
			}
		}
		return nil
	})
	return out, err
}

// Replayed is a run that was made again.
type Replayed struct {
	Run, Replay             string
	Identical               bool
	Difference              string   // the first
	Changed                 []string // of the surroundings: binaries, machine, code
	Metrics, Answers, Files int      // compared
}

// String says it in a line.
func (r *Replayed) String() string {
	if r.Identical {
		return fmt.Sprintf("bit-identical: %d metrics, %d answers and %d files of run %s were compared", r.Metrics, r.Answers, r.Files, r.Run)
	}
	return "different: " + r.Difference
}

// Exported is what an export wrote.
type Exported struct {
	Kind       string   // "adapter" (PEFT), "model" (transformers) or "files"
	Difference *float64 // largest difference of a log-probability that merging made, nats; nil: nothing was merged
}

// Export writes a run's result to a folder that is not there yet; merge makes a whole
// model of an adapter. By the run's id, or a row's name for its first seed.
func (r *Result) Export(run, dir string, merge bool) (*Exported, error) {
	var out *Exported
	err := r.plan.with(func(ctx context.Context, l *framework.Lab) error {
		x, err := l.ExportTo(ctx, r.run(run), dir, merge)
		if err == nil {
			out = &Exported{Kind: x.Kind, Difference: x.Difference}
		}
		return err
	})
	return out, err
}

// Table is the study's table of scores with claims, costs and notes.
func (r *Result) Table() Table {
	var h, t bytes.Buffer
	if err := report.Fragment(&h, r.report.Comparison); err != nil {
		fmt.Fprintf(&h, "<p>%s</p>", html.EscapeString(err.Error()))
	}
	if err := r.report.Text(&t); err != nil {
		t.WriteString(err.Error())
	}
	return Table{html: h.String(), text: t.String()}
}

// HTML is the table.
func (r *Result) HTML() string { return r.Table().html }

// Figures is the MIME type under which a shown result carries its scores, for
// programs that run notebooks and compare.
const Figures = "application/vnd.tunelab.scores+json"

// SimpleRender shows the table.
func (r *Result) SimpleRender() map[string]any {
	scores := map[string]float64{}
	for _, x := range r.Rows {
		if x.State == compare.Finished {
			scores[x.Method+" on "+x.Task+", "+x.Metric] = x.Mean
		}
	}
	return map[string]any{Figures: map[string]any{"study": r.Name, "scores": scores}}
}

// String is the table as a terminal shows it.
func (r *Result) String() string { return r.Table().text }

// Report writes report.html, with figures, tables as CSV and Markdown, to a folder.
func (r *Result) Report(dir string) error { return r.report.Write(dir) }

// Table shows itself in a notebook.
type Table struct{ html, text string }

// HTML is the table.
func (t Table) HTML() string { return t.html }

// String is the table in plain text.
func (t Table) String() string { return t.text }
