// Package notebook runs the cells of an .ipynb file, for those without Jupyter, and
// puts what they show into it.
package notebook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/kernel/client"
)

// Notebook is a file of nbformat 4. What is not known here stays as it is.
// https://nbformat.readthedocs.io/en/latest/format_description.html
type Notebook struct {
	tree  map[string]any
	cells []map[string]any
}

// Read reads a notebook.
func Read(file string) (*Notebook, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	n := &Notebook{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&n.tree); err != nil {
		return nil, fmt.Errorf("%s: not a notebook: %w", file, err)
	}
	if v := fmt.Sprint(n.tree["nbformat"]); v != "4" {
		return nil, fmt.Errorf("%s: nbformat is %s; only 4 is known: open and save it in Jupyter", file, v)
	}
	list, _ := n.tree["cells"].([]any)
	for i, c := range list {
		m, ok := c.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: cell %d is no object", file, i+1)
		}
		n.cells = append(n.cells, m)
	}
	return n, nil
}

// Write writes it as Jupyter does: keys sorted, one space of indent.
func (n *Notebook) Write(file string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(n.tree); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// CellError is a cell that failed.
type CellError struct {
	Cell        int // counted over all cells, from 1
	Name, Value string
}

func (e *CellError) Error() string { return fmt.Sprintf("cell %d: %s: %s", e.Cell, e.Name, e.Value) }

// Run runs the code cells in order. It stops at the first that fails, unless the
// cell has the tag raises-exception; progress is called before each.
func (n *Notebook) Run(ctx context.Context, c *client.Client, progress func(cell, of int)) error {
	shown := map[string][]map[string]any{} // outputs by display_id
	for i, cell := range n.cells {
		if cell["cell_type"] != "code" {
			continue
		}
		progress(i+1, len(n.cells))
		o := &outputs{shown: shown}
		r, err := c.Execute(ctx, text(cell["source"]), o.add)
		if err != nil {
			return fmt.Errorf("cell %d: %w", i+1, err)
		}
		cell["execution_count"] = r.Count
		cell["outputs"] = o.lines()
		if r.Status != "ok" && !tagged(cell, "raises-exception") {
			return &CellError{i + 1, r.Name, r.Value}
		}
	}
	return nil
}

func tagged(cell map[string]any, tag string) bool {
	meta, _ := cell["metadata"].(map[string]any)
	tags, _ := meta["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// text joins what nbformat splits into lines.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, l := range v {
			s, _ := l.(string)
			b.WriteString(s)
		}
		return b.String()
	}
	return ""
}

// split is its inverse: lines with their newlines.
func split(s string) []any {
	lines := []any{}
	for l := range strings.Lines(s) {
		lines = append(lines, l)
	}
	return lines
}
