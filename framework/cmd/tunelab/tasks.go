package main

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/lab"
)

type tasksCmd struct {
	List tasksListCmd `cmd:"" help:"List the embedded tasks."`
	Show tasksShowCmd `cmd:"" help:"Check a task and show what it asks, its splits and their overlap."`
}

type tasksListCmd struct{}

func (tasksListCmd) Run(a *app) error {
	var all []*lab.TaskSummary
	for _, name := range lab.EmbeddedTasks() {
		t, err := lab.SummariseTask(name)
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	if a.json {
		return printJSON(a.out, all)
	}
	rows := []string{"TASK\tKIND\tMETRIC\tTRAIN\tVALIDATION\tTEST"}
	for _, t := range all {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%d\t%d\t%d", t.Task.Name, t.Task.Kind, t.Task.Metric, t.Train, t.Validation, t.Test))
	}
	return columns(a.out, rows)
}

type tasksShowCmd struct {
	Task string `arg:"" help:"Task file or embedded task."`
}

func (c *tasksShowCmd) Run(a *app) error {
	t, err := lab.SummariseTask(c.Task)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, t)
	}
	rows := []string{"task\t" + t.Task.Name, "kind\t" + t.Task.Kind, "metric\t" + t.Task.Metric,
		fmt.Sprintf("rows\t%d train, %d validation, %d test", t.Train, t.Validation, t.Test), "sha256\t" + t.SHA256}
	if len(t.Task.Labels) > 0 {
		rows = append(rows, fmt.Sprintf("labels\t%q", t.Task.Labels))
	}
	o := t.Overlap
	rows = append(rows, fmt.Sprintf("overlap\t%d prompts stand verbatim in two splits (%s); %d rows dropped, %d test items marked", len(o.Verbatim), o.Mode, o.Dropped, len(o.TestIDs)),
		fmt.Sprintf("13-grams\t%d of %d test items share one with training rows", len(o.NGram), o.NGramChecked))
	if err := columns(a.out, rows); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nthe first training example, as methods are given it:\n%s%s%s\n", t.Example.Prompt, t.Task.Delimiter, t.Example.Answer)
	return nil
}

type schemaCmd struct {
	Of string `arg:"" enum:"study,task" help:"study or task."`
}

func (c *schemaCmd) Run(a *app) error {
	raw := lab.StudySchema()
	if c.Of == "task" {
		raw = lab.TaskSchema()
	}
	_, err := a.out.Write(raw)
	return err
}
