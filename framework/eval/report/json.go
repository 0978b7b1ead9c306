package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/tunelab/tunelab/framework/eval/compare"
)

// results is the JSON form: the comparison's own fields, the settings, and
// the runs behind the table.
type results struct {
	Title    string    `json:"title"`
	Settings []Setting `json:"settings,omitempty"`
	*compare.Comparison
	Runs []runRef `json:"runs"`
}

// runRef is a finished run that a cell rests on.
type runRef struct {
	Run  string `json:"run"`
	Row  string `json:"row"`
	Task string `json:"task"`
	Seed int64  `json:"seed"`
}

// JSON writes the whole comparison, indented.
func JSON(w io.Writer, c *compare.Comparison, in Inputs) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(results{Title: in.title(), Settings: in.Settings, Comparison: c, Runs: runs(c)}); err != nil {
		return fmt.Errorf("write the comparison as JSON: %w", err)
	}
	return nil
}

// runs lists each run once for a task, by row, task and seed.
func runs(c *compare.Comparison) []runRef {
	out := []runRef{}
	seen := map[runRef]bool{}
	for _, r := range c.Rows {
		for j, cell := range r.Cells {
			for i, id := range cell.Runs {
				ref := runRef{Run: id, Row: r.Name, Task: c.Columns[j].Task, Seed: cell.Seeds[i]}
				if id != "" && !seen[ref] {
					seen[ref] = true
					out = append(out, ref)
				}
			}
		}
	}
	return out
}
