package notebook

import (
	"path/filepath"
	"testing"
)

// The notebooks of this repository are committed without outputs: figures are those of
// the reader's machine, and a change of a cell is a diff of that cell alone.
func TestCommittedNotebooksHaveNoOutputs(t *testing.T) {
	files, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d notebooks, %v", len(files), err)
	}
	for _, f := range files {
		n, err := Read(f)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for i, c := range n.cells {
			if out, _ := c["outputs"].([]any); len(out) > 0 || c["execution_count"] != nil {
				t.Errorf("%s: cell %d has outputs: clear them before you commit", f, i+1)
			}
			id, _ := c["id"].(string)
			if id == "" || ids[id] {
				t.Errorf("%s: cell %d has the id %q, which must be there and stand once", f, i+1, id)
			}
			ids[id] = true
		}
	}
}
