package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/eval/compare"
	"github.com/tunelab/tunelab/framework/eval/report"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// Report is a study's comparison with what its figures and samples need.
type Report struct {
	Study      Study
	Comparison *compare.Comparison
	Inputs     report.Inputs
}

// Report reads back the runs of the study of that name and compares them.
func (l *Lab) Report(ctx context.Context, name string) (*Report, error) {
	rec, err := l.Record(name)
	if err != nil {
		return nil, err
	}
	results, err := l.Results(ctx, rec)
	if err != nil {
		return nil, err
	}
	var order compare.Options
	for _, m := range rec.Study.Methods {
		order.Rows = append(order.Rows, m.Label)
	}
	for _, c := range rec.Cells { // in the study's order of tasks
		if !contains(order.Tasks, c.Task) {
			order.Tasks = append(order.Tasks, c.Task)
		}
	}
	r := &Report{Study: rec.Study, Comparison: compare.Compare(results, order)}
	r.Inputs.Title = "Study " + rec.Study.Name
	r.Inputs.Settings = settings(rec)
	seen := map[string]bool{}
	var unlocked []string
	for _, c := range rec.Cells {
		if c.Run == "" {
			continue
		}
		row, err := l.Store.GetRun(ctx, c.Run)
		if errors.Is(err, tracking.NotFound) { // deleted since; the table says so
			continue
		} else if err != nil {
			return nil, err
		}
		if row.Unlocked && !contains(unlocked, c.Label) {
			unlocked = append(unlocked, c.Label)
		}
		curves, err := l.curves(ctx, c)
		if err != nil {
			return nil, err
		}
		r.Inputs.Curves = append(r.Inputs.Curves, curves...)
		if first := c.Label + "\x00" + c.Task; !seen[first] {
			seen[first] = true
			samples, err := l.samples(ctx, c)
			if err != nil {
				return nil, err
			}
			r.Inputs.Samples = append(r.Inputs.Samples, samples...)
		}
	}
	if len(unlocked) > 0 {
		r.Comparison.Notes = append(r.Comparison.Notes, fmt.Sprintf("Unlocked: no lock file held the plugin binary of %s when it ran.", strings.Join(unlocked, ", ")))
	}
	return r, nil
}

// Text writes the table as a terminal shows it.
func (r *Report) Text(w io.Writer) error {
	return report.Text(w, r.Comparison, report.TextOptions{})
}

// JSON writes the comparison whole.
func (r *Report) JSON(w io.Writer) error { return report.JSON(w, r.Comparison, r.Inputs) }

// Write writes the report, its tables and its figures to the folder dir.
func (r *Report) Write(dir string) error { return report.Write(dir, r.Comparison, r.Inputs) }

// settings says what every method of the study was given.
func settings(rec *Record) []report.Setting {
	s := rec.Study
	model := s.Model
	if model == "" {
		model = "embedded"
	}
	examples := "the whole training split"
	if s.Budget.Examples > 0 {
		examples = fmt.Sprintf("at most %d", s.Budget.Examples)
	}
	tested := "all"
	if s.Test > 0 {
		tested = fmt.Sprintf("at most %d", s.Test)
	}
	match := s.Budget.Match
	if match == "" {
		match = "examples"
	}
	out := []report.Setting{
		{Key: "base model", Value: model},
		{Key: "tasks", Value: strings.Join(s.Tasks, ", ")},
		{Key: "seeds", Value: strings.Trim(fmt.Sprint(s.Seeds), "[]")},
		{Key: "labelled examples", Value: examples},
		{Key: "tuning trials", Value: fmt.Sprintf("at most %d a method; costs include them", max(s.Budget.Trials, 1))},
		{Key: "test examples", Value: tested},
		{Key: "budget matched by", Value: match},
	}
	for _, m := range s.Methods {
		if len(m.Params)+len(m.Sweep) > 0 {
			given, err := json.Marshal(merge(m.Params, m.Sweep))
			if err == nil {
				out = append(out, report.Setting{Key: m.Label, Value: string(given)})
			}
		}
	}
	return out
}

// merge shows a method's parameters and what is swept in one object.
func merge(params map[string]any, sweep map[string][]any) map[string]any {
	out := clone(params)
	for k, v := range sweep {
		out[k] = v
	}
	return out
}

// shownCurve tells whether the figures of learning draw a metric.
func shownCurve(name string) bool {
	return name == "train/loss" || strings.HasPrefix(name, "eval/") || name == "objective/kl" || name == "objective/scores"
}

// curves reads a cell's learning curves, those of the stages before it too.
func (l *Lab) curves(ctx context.Context, c Cell) ([]report.Curve, error) {
	row, err := l.Store.GetRun(ctx, c.Run)
	if err != nil {
		return nil, err
	}
	chain, err := l.chain(ctx, row)
	if err != nil {
		return nil, err
	}
	var out []report.Curve
	for _, stage := range chain {
		ms, err := l.Store.Metrics(ctx, stage.ID, tracking.MetricFilter{})
		if err != nil {
			return nil, err
		}
		prefix := ""
		if stage.ID != row.ID { // an earlier stage's loss is another loss
			prefix = stage.Stage + " "
		}
		at := map[string]int{}
		for _, m := range ms {
			if !shownCurve(m.Name) {
				continue
			}
			i, ok := at[m.Name]
			if !ok {
				i = len(out)
				at[m.Name] = i
				out = append(out, report.Curve{Label: c.Label, Task: c.Task, Metric: prefix + m.Name, Seed: c.Seed})
			}
			cv := &out[i]
			if n := len(cv.Steps); n > 0 && cv.Steps[n-1] == m.Step { // several values of one step: their mean is not known here, the last stands
				cv.Values[n-1] = m.Value
				continue
			}
			cv.Steps, cv.Values = append(cv.Steps, m.Step), append(cv.Values, m.Value)
		}
	}
	return out, nil
}

// samplesPerCell is how many test items a report shows of each method and task.
const samplesPerCell = 3

// samples reads back the first test items of a cell as they were asked and
// answered.
func (l *Lab) samples(ctx context.Context, c Cell) ([]report.Sample, error) {
	row, err := l.Store.GetRun(ctx, c.Run)
	if err != nil || row.Status != tracking.Finished {
		return nil, err
	}
	src, err := l.source(row)
	if err != nil {
		return nil, err
	}
	task, err := Task(src.Task)
	if err != nil { // the data has gone since: the record stands without its texts
		return nil, nil
	}
	items := map[string]*data.TestItem{}
	for i := range task.Test {
		items[task.Test[i].Item.ID] = &task.Test[i]
	}
	ps, err := l.Store.Predictions(ctx, c.Run, tracking.PredictionFilter{Task: c.Task, Split: data.SplitTest})
	if err != nil {
		return nil, err
	}
	var out []report.Sample
	for _, p := range ps {
		it := items[p.ItemID]
		if it == nil || it.Hash != p.ItemHash || len(out) == samplesPerCell {
			continue
		}
		var a spec.Prediction
		if err := json.Unmarshal(p.Output, &a); err != nil {
			return nil, fmt.Errorf("run %s, item %s: its recorded answer: %w", c.Run, p.ItemID, err)
		}
		reference := it.Answer
		if reference == "" {
			reference = it.Chosen
		}
		out = append(out, report.Sample{Label: c.Label, Task: c.Task, Item: p.ItemID, Prompt: it.Item.Prompt,
			Answer: run.Spoken(p.Mode, task.Task, it.Item, a), Reference: reference, Score: p.Score})
	}
	return out, nil
}
