package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// costTable has the mean cost of a run by task, in the order of the columns.
func costTable(c *compare.Comparison) grid {
	t := grid{Left: 1, Header: []string{"method", "runs", "trainable\nparameters", "labelled\nexamples", "extra\nsupervision", "training\ntokens",
		"prompt and\ngenerated\ntokens", "FLOPs", "wall\ntime", "CPU\ntime", "peak\nmemory", "artifact"}}
	for _, task := range tasks(c) {
		group := row{Name: task, Group: true, Rule: len(t.Rows) > 0}
		for _, r := range c.Costs {
			if r.Task != task {
				continue
			}
			if group.Name != "" {
				t.Rows = append(t.Rows, group)
				group.Name = ""
			}
			k := r.Cost
			t.Rows = append(t.Rows, row{Name: r.Name, Baseline: r.Baseline, Cells: plain(fmt.Sprint(r.Runs), count(float64(k.TrainableParams)),
				count(float64(k.LabelledExamples)), supervision(k.ExtraSupervision), count(float64(k.TrainTokens)),
				count(float64(k.PromptTokens)+float64(k.GeneratedTokens)), flops(k.FLOPs), seconds(k.WallSeconds), seconds(k.CPUSeconds),
				bytesOf(k.PeakMemoryBytes), bytesOf(k.ArtifactBytes))})
		}
	}
	return t
}

// tasks are the comparison's tasks, in the order of the columns.
func tasks(c *compare.Comparison) []string {
	var out []string
	for _, col := range c.Columns {
		if !slices.Contains(out, col.Task) {
			out = append(out, col.Task)
		}
	}
	return out
}

func supervision(kinds map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, count(float64(kinds[k]))+" "+k)
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, "\n")
}
