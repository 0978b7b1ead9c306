package gen

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

// The first 200 documents and all tasks of seed 1, hashed: the same on every
// platform, and a change of one byte shows.
func TestGolden(t *testing.T) {
	got := ""
	for _, split := range []string{Train, Validation} {
		h := sha256.New()
		for d := range firstDocs(1, split, 200) {
			fmt.Fprintf(h, "%s\x00", d)
		}
		got += fmt.Sprintf("corpus %s %x\n", split, h.Sum(nil))
	}
	for _, task := range Tasks(1) {
		h := sha256.New()
		w := json.NewEncoder(h)
		for _, part := range []any{task, task.Train, task.Validation, task.Test} {
			if err := w.Encode(part); err != nil {
				t.Fatal(err)
			}
		}
		got += fmt.Sprintf("task %s %x\n", task.Name, h.Sum(nil))
	}
	const file = "testdata/golden.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if the change is meant, run with -update (and train the base model again)\ngot\n%swant\n%s", file, got, want)
	}
}
