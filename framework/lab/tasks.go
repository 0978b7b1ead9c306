package lab

import (
	"fmt"
	"os"
	"strings"

	"github.com/tunelab/tunelab/framework/base/gen"
	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
)

// taskSeed generates the embedded tasks; fixed, because test items of
// different seeds share topics and places.
const taskSeed = 1

// EmbeddedTasks lists the names of the embedded tasks.
func EmbeddedTasks() []string { return gen.Names() }

// golds are the gold rewards that a task can name.
var golds = map[string]run.Gold{
	"explain": func(fields map[string]any, response string) (float64, error) {
		return gen.ScoreExplanation(fields, response)
	},
}

// Task loads a task: a file's path, or an embedded task's name.
func Task(name string) (*data.Prepared, error) {
	for _, t := range gen.Tasks(taskSeed) {
		if t.Name == name {
			return embedded(t)
		}
	}
	if _, err := os.Stat(name); err != nil {
		hint := ""
		if near := spec.Nearest(name, EmbeddedTasks()); near != "" {
			hint = fmt.Sprintf("did you mean %s? ", near)
		}
		return nil, fmt.Errorf("task %q is neither a file nor an embedded task; %sthe embedded ones are %s", name, hint, strings.Join(EmbeddedTasks(), ", "))
	}
	tf, err := data.LoadTask(name)
	if err != nil {
		return nil, err
	}
	p, err := data.Prepare(tf)
	if err != nil {
		return nil, err
	}
	if p.Gold != "" && golds[p.Gold] == nil {
		return nil, fmt.Errorf("task %s: gold: no gold reward is called %q; there is: %s", name, p.Gold, strings.Join(sortedKeys(golds), ", "))
	}
	return p, nil
}

func embedded(t gen.Task) (*data.Prepared, error) {
	tf := &data.TaskFile{Task: spec.Task{Name: t.Name, Kind: t.Kind, Prompt: t.Prompt, Answer: t.Answer, Label: t.Label, Labels: t.Labels,
		Choices: t.Choices, Reasoning: t.Reasoning, Chosen: t.Chosen, Rejected: t.Rejected, Metric: t.Metric, Stop: t.Stop, MaxNew: t.MaxNew}}
	if t.Name == "explain" {
		tf.Gold = "explain"
	}
	p, err := data.FromRows(tf, t.Train, t.Validation, t.Test)
	if err != nil {
		return nil, fmt.Errorf("embedded task %s: %w", t.Name, err)
	}
	return p, nil
}

// modelDir resolves a study's model to a folder.
// TaskSummary is a task as people look at it before they run it.
type TaskSummary struct {
	Task       spec.Task    `json:"task"`
	Train      int          `json:"train"` // examples
	Validation int          `json:"validation"`
	Test       int          `json:"test"`
	SHA256     string       `json:"sha256"` // of the task and every example
	Overlap    data.Overlap `json:"overlap"`
	Example    spec.Example `json:"example"` // the first training example
}

// SummariseTask loads and checks a task.
func SummariseTask(name string) (*TaskSummary, error) {
	p, err := Task(name)
	if err != nil {
		return nil, err
	}
	s := &TaskSummary{Task: p.Task, Train: len(p.Train), Validation: len(p.Validation), Test: len(p.Test), SHA256: p.Hash, Overlap: p.Overlap}
	if len(p.Train) > 0 {
		s.Example = p.Train[0]
	}
	return s, nil
}
