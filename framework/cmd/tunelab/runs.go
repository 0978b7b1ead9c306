package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/lab"
	"github.com/tunelab/tunelab/tracking"
)

type runsCmd struct {
	List runsListCmd `cmd:"" help:"List recorded runs, newest first."`
	Show runsShowCmd `cmd:"" help:"Show all that is recorded of a run."`
	Diff runsDiffCmd `cmd:"" help:"Say what tells two runs apart."`

	Delete runsDeleteCmd `cmd:"" help:"Delete ended runs from the record."`
}

type runsDeleteCmd struct {
	Runs []string `arg:"" help:"Runs, by their ids or a beginning of them."`
}

func (c *runsDeleteCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	var deleted []string
	for _, r := range c.Runs {
		id, err := l.DeleteRun(a.ctx, r)
		if err != nil {
			return err
		}
		deleted = append(deleted, id)
		if !a.json {
			fmt.Fprintf(a.out, "deleted run %s; tunelab gc frees its files\n", id)
		}
	}
	if a.json {
		return printJSON(a.out, deleted)
	}
	return nil
}

type gcCmd struct{}

func (gcCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := l.Collect(a.ctx)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, c)
	}
	fmt.Fprintf(a.out, "freed %d artifacts, %.1f MiB\n", c.Blobs, float64(c.Bytes)/(1<<20))
	return nil
}

type runsListCmd struct {
	Experiment string `help:"Only this experiment or study." placeholder:"NAME"`
	Method     string `help:"Only this method." placeholder:"NAME"`
	Task       string `help:"Only this task." placeholder:"NAME"`
	Status     string `help:"Only runs with this status." placeholder:"STATUS"`
	Limit      int    `short:"n" help:"At most so many; 0: all." default:"0"`
}

func (c *runsListCmd) Run(a *app) error {
	f := tracking.RunFilter{Experiment: c.Experiment, Method: c.Method, Task: c.Task, Limit: c.Limit}
	if c.Status != "" {
		if !tracking.Status(c.Status).Valid() {
			return &codeError{exitUsage, fmt.Errorf("--status %q: expected one of %v", c.Status, tracking.Statuses())}
		}
		f.Statuses = []tracking.Status{tracking.Status(c.Status)}
	}
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	runs, err := l.ListRuns(a.ctx, f)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, runs)
	}
	if len(runs) == 0 {
		fmt.Fprintf(a.out, "no runs in %s; tunelab demo makes some\n", a.dir)
		return nil
	}
	rows := []string{"RUN\tEXPERIMENT\tNAME\tMETHOD\tTASK\tSEED\tSTATUS\tSCORE\tTIME\tSTARTED"}
	for _, r := range runs {
		method := r.Method
		if r.Stage != "" {
			method += "/" + r.Stage
		}
		score := ""
		if r.Score != nil {
			score = fmt.Sprintf("%s %.4g", r.Score.Metric, r.Score.Value)
		}
		took := ""
		if !r.Ended.IsZero() && !r.Started.IsZero() {
			took = duration(r.Ended.Sub(r.Started))
		}
		rows = append(rows, strings.Join([]string{r.ID, r.Experiment, r.Name, method, r.Task, fmt.Sprint(r.Seed), string(r.Status), score, took, r.Created.Local().Format(time.DateTime)}, "\t"))
	}
	return columns(a.out, rows)
}

type runsShowCmd struct {
	Run_    string `arg:"" name:"run" help:"Run, by its id or a beginning of it."`
	Metrics bool   `help:"Print every recorded metric."`
	Answers bool   `help:"Print every stored prediction, a JSON object a line."`
	Log     bool   `help:"Print the last lines of the plugin's log."`
}

func (c *runsShowCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	r, err := l.ShowRun(a.ctx, c.Run_)
	if err != nil {
		return err
	}
	switch {
	case c.Metrics:
		ms, err := l.Store.Metrics(a.ctx, r.ID, tracking.MetricFilter{})
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(a.out, ms)
		}
		rows := []string{"STEP\tMETRIC\tVALUE"}
		for _, m := range ms {
			rows = append(rows, fmt.Sprintf("%d\t%s\t%v", m.Step, m.Name, m.Value))
		}
		return columns(a.out, rows)
	case c.Answers:
		ps, err := l.Store.Predictions(a.ctx, r.ID, tracking.PredictionFilter{})
		if err != nil {
			return err
		}
		return printLines(a.out, ps)
	case c.Log:
		if a.json {
			return printJSON(a.out, logOf{r.ID, r.LogTail})
		}
		fmt.Fprintln(a.out, r.LogTail)
		return nil
	case a.json:
		return printJSON(a.out, r)
	}
	return showRun(a, r)
}

// logOf is the JSON of runs show --log.
type logOf struct {
	Run string `json:"run"`
	Log string `json:"log"` // its last lines
}

func showRun(a *app, r *lab.Shown) error {
	rows := []string{
		"run\t" + r.ID,
		"experiment\t" + r.ExperimentName,
		"name\t" + r.Name,
		"method\t" + strings.TrimSuffix(r.Method+"/"+r.Stage, "/"),
		"task\t" + r.Task,
		fmt.Sprintf("seed\t%d", r.Seed),
		"status\t" + strings.TrimSuffix(string(r.Status)+": "+oneLine(r.Reason, 500), ": "),
		"started\t" + r.Created.Local().Format(time.DateTime),
	}
	if !r.Ended.IsZero() {
		rows = append(rows, "took\t"+duration(r.Ended.Sub(r.Created)))
	}
	for _, p := range r.Parents {
		rows = append(rows, fmt.Sprintf("%s\t%s", p.Relation, p.Parent))
	}
	for _, p := range r.Params {
		rows = append(rows, fmt.Sprintf("params.%s\t%s", p.Key, p.Value))
	}
	for _, s := range r.Scores {
		rows = append(rows, fmt.Sprintf("%s\t%.6g on %s %s, %d items", s.Metric, s.Value, s.Task, s.Split, s.N))
	}
	for _, k := range []string{"model", "chat_template", "data", "template", "plugin"} {
		if h := r.Hashes[k]; h != "" {
			rows = append(rows, fmt.Sprintf("sha256 %s\t%s", k, h))
		}
	}
	for _, f := range r.Artifacts {
		rows = append(rows, fmt.Sprintf("artifact\t%s  %d bytes  %.12s", f.Path, f.Size, f.SHA256))
	}
	rows = append(rows, fmt.Sprintf("cost\t%s", r.Cost), fmt.Sprintf("machine\t%s", r.Machine), "code\t"+r.CodeVersion)
	if r.Unlocked {
		rows = append(rows, "unlocked\tno lock file held its plugin")
	}
	if r.NotReplayable {
		rows = append(rows, "replay\tno: the clock ended it")
	}
	return columns(a.out, rows)
}

type runsDiffCmd struct {
	A string `arg:"" help:"A run."`
	B string `arg:"" help:"Another run."`
}

func (c *runsDiffCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	d, err := l.Diff(a.ctx, c.A, c.B)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, d)
	}
	rows := []string{fmt.Sprintf("\t%s\t%s", d.A.ID, d.B.ID)}
	for _, x := range append(d.Spec, d.Scores...) {
		rows = append(rows, fmt.Sprintf("%s\t%v\t%v", x.Name, cell(x.A), cell(x.B)))
	}
	if err := columns(a.out, rows); err != nil {
		return err
	}
	for _, s := range d.Around {
		fmt.Fprintln(a.out, "changed", s)
	}
	if d.Numbers == "" {
		fmt.Fprintln(a.out, "bit-identical: metrics, answers, scores and artifacts")
	} else {
		fmt.Fprintln(a.out, "first difference:", d.Numbers)
	}
	return nil
}

func cell(v any) string {
	if v == nil {
		return "-"
	}
	return oneLine(fmt.Sprint(v), 60)
}
