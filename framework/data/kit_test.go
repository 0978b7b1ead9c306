package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/spec"
)

// put writes a file into a folder of the test and gives its path.
func put(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// load reads a task file that stands beside its data in dir.
func load(t *testing.T, dir, yaml string) (*Prepared, error) {
	t.Helper()
	tf, err := LoadTask(put(t, dir, "task.yaml", yaml))
	if err != nil {
		return nil, err
	}
	return Prepare(tf)
}

// wants fails unless err says every one of the given things.
func wants(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; wanted one that says %q", says)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error lacks %q:\n%v", s, err)
		}
	}
}

type rows = []map[string]any

// questions is a generation task over question and answer.
func questions() *TaskFile {
	return &TaskFile{
		Task:  spec.Task{Name: "q", Kind: spec.Generation, Prompt: "Q: {question}\nA:", Answer: "{answer}"},
		Given: map[string]bool{"data.validation_fraction": true},
	}
}

func qa(pairs ...string) (out rows) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, map[string]any{"question": pairs[i], "answer": pairs[i+1]})
	}
	return out
}
