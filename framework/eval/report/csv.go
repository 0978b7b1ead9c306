package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tunelab/tunelab/framework/eval/compare"
	"github.com/tunelab/tunelab/framework/eval/stats"
)

// ScoresCSV writes one line for each row, column and seed; the cell's mean
// and interval stand on each of its lines. A cell without a finished run has
// one line without a seed. Numbers have all their digits, in the metric's own
// unit (shares, not points). Each further score has a column "extra:NAME".
func ScoresCSV(w io.Writer, c *compare.Comparison) error {
	names := map[string]bool{}
	for _, r := range c.Rows {
		for _, cell := range r.Cells {
			for k := range cell.Extra {
				names[k] = true
			}
		}
	}
	extras := slices.Sorted(maps.Keys(names))
	head := []string{"row", "method", "baseline", "task", "metric", "lower_is_better", "state", "reason", "seed", "run", "value",
		"mean", "low", "high", "basis", "seeds", "items", "lost"}
	for _, e := range extras {
		head = append(head, "extra:"+e)
	}
	lines := [][]string{head}
	for _, r := range c.Rows {
		for j, cell := range r.Cells {
			col := c.Columns[j]
			at := func(seed, run, value string) {
				mean := ""
				if cell.State == compare.Finished {
					mean = exact(cell.Mean)
				}
				low, high := ends(cell.Interval)
				line := []string{r.Name, r.Method, strconv.FormatBool(r.Baseline), col.Task, col.Metric, strconv.FormatBool(col.LowerIsBetter), cell.State, cell.Reason,
					seed, run, value, mean, low, high, cell.Basis, fmt.Sprint(len(cell.Seeds)), fmt.Sprint(cell.Items), strings.Join(cell.Lost, "; ")}
				for _, e := range extras {
					v, ok := cell.Extra[e]
					line = append(line, optional(&v, ok))
				}
				lines = append(lines, line)
			}
			for i, s := range cell.Seeds {
				at(fmt.Sprint(s), cell.Runs[i], exact(cell.Values[i]))
			}
			if len(cell.Seeds) == 0 {
				at("", "", "")
			}
		}
	}
	return csv.NewWriter(w).WriteAll(lines)
}

// CostsCSV writes one line for each row and task: means over its finished
// runs, in plain units.
func CostsCSV(w io.Writer, c *compare.Comparison) error {
	lines := [][]string{{"row", "baseline", "task", "runs", "trainable_params", "labelled_examples", "extra_supervision", "train_tokens", "prompt_tokens",
		"generated_tokens", "flops", "wall_seconds", "cpu_seconds", "peak_memory_bytes", "artifact_bytes"}}
	for _, r := range c.Costs {
		k := r.Cost
		var extra []string
		for _, kind := range slices.Sorted(maps.Keys(k.ExtraSupervision)) {
			extra = append(extra, fmt.Sprintf("%s=%d", kind, k.ExtraSupervision[kind]))
		}
		lines = append(lines, []string{r.Name, strconv.FormatBool(r.Baseline), r.Task, fmt.Sprint(r.Runs), fmt.Sprint(k.TrainableParams), fmt.Sprint(k.LabelledExamples),
			strings.Join(extra, "; "), fmt.Sprint(k.TrainTokens), fmt.Sprint(k.PromptTokens), fmt.Sprint(k.GeneratedTokens), exact(k.FLOPs), exact(k.WallSeconds),
			exact(k.CPUSeconds), fmt.Sprint(k.PeakMemoryBytes), fmt.Sprint(k.ArtifactBytes)})
	}
	return csv.NewWriter(w).WriteAll(lines)
}

// ClaimsCSV writes one line for each pair; difference and interval are of A
// minus B.
func ClaimsCSV(w io.Writer, c *compare.Comparison) error {
	lines := [][]string{{"task", "metric", "a", "b", "about", "seeds", "items", "difference", "low", "high", "test", "p", "holm_p", "tost_holm_p", "verdict", "winner",
		"seeds_to_resolve", "examples_to_resolve", "text"}}
	positive := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	for _, cl := range c.Claims {
		low, high := ends(cl.Interval)
		difference := ""
		if cl.Seeds > 0 {
			difference = exact(cl.Difference)
		}
		lines = append(lines, []string{cl.Task, cl.Metric, cl.A, cl.B, cl.About, fmt.Sprint(cl.Seeds), fmt.Sprint(cl.Items), difference, low, high, cl.Test,
			optional(cl.P, true), optional(cl.HolmP, true), optional(cl.TOSTHolmP, true), cl.Verdict, cl.Winner, positive(cl.MoreSeeds), positive(cl.MoreItems), cl.Text})
	}
	return csv.NewWriter(w).WriteAll(lines)
}

// exact is the shortest text that reads back as v.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func optional(v *float64, there bool) string {
	if v == nil || !there {
		return ""
	}
	return exact(*v)
}

func ends(i *stats.Interval) (low, high string) {
	if i == nil {
		return "", ""
	}
	return exact(i.Low), exact(i.High)
}
