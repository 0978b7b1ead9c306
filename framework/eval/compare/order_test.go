package compare

import (
	"slices"
	"testing"
)

func TestRowsAndTasksInTheOrderGiven(t *testing.T) {
	r := func(label, task string, baseline bool) Result {
		return Result{Method: label, Task: task, Metric: "accuracy", Value: 0.5, Baseline: baseline}
	}
	results := []Result{r("base", "b", true), r("z", "b", false), r("other", "c", false), r("z", "a", false), r("y", "a", false)}
	c := Compare(results, Options{Rows: []string{"y", "z"}, Tasks: []string{"a", "b"}})
	var rows, tasks []string
	for _, row := range c.Rows {
		rows = append(rows, row.Name)
	}
	for _, col := range c.Columns {
		tasks = append(tasks, col.Task)
	}
	if want := []string{"y", "z", "other", "base"}; !slices.Equal(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(tasks, want) {
		t.Errorf("tasks %v, want %v", tasks, want)
	}
}
