package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tunelab/tunelab/framework/spec"
)

func TestBudgetIsNestedAndSeeded(t *testing.T) {
	p := &Prepared{Hash: "h"}
	for i := range 100 {
		p.Train = append(p.Train, spec.Example{ID: fmt.Sprint("train-", i)})
	}
	ten := p.Budgeted(10, 1)
	if len(ten.Train) != 10 || reflect.DeepEqual(ten.Train, p.Train[:10]) {
		t.Errorf("a budget of 10 gives %v", ten.Train)
	}
	larger, last := map[string]bool{}, -1
	for _, e := range p.Budgeted(40, 1).Train {
		larger[e.ID] = true
		var at int
		if _, err := fmt.Sscanf(e.ID, "train-%d", &at); err != nil || at <= last {
			t.Errorf("%s after train-%d: not the file's order", e.ID, last)
		}
		last = at
	}
	for _, e := range ten.Train {
		if !larger[e.ID] {
			t.Errorf("%s of a budget of 10 is not in one of 40", e.ID)
		}
	}
	if reflect.DeepEqual(p.Budgeted(10, 2).Train, ten.Train) {
		t.Error("another seed gives the same examples")
	}
	seen := map[string]bool{}
	for _, e := range p.Budgeted(99, 3).Train {
		seen[e.ID] = true
	}
	if len(seen) != 99 || len(p.Train) != 100 || ten.Hash != "h" {
		t.Errorf("a budget of 99 has %d different examples; the whole has %d", len(seen), len(p.Train))
	}
	for _, n := range []int{0, -1, 100, 1000} {
		if !reflect.DeepEqual(p.Budgeted(n, 1).Train, p.Train) {
			t.Errorf("a budget of %d changes the split", n)
		}
	}
}

func TestWrittenFilesAreCanonicalAndHashed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	sum, size, err := WriteExamples(path, []spec.Example{{ID: "a", Fields: map[string]any{"z": "<", "b": 1}, Prompt: "p", Label: -1}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"fields":{"b":1,"z":"<"},"id":"a","input":"","label":-1,"prompt":"p"}` + "\n"
	raw := sha256.Sum256([]byte(want))
	if string(got) != want || size != int64(len(want)) || sum != hex.EncodeToString(raw[:]) {
		t.Errorf("wrote %s (%s, %d bytes)", got, sum, size)
	}
	if _, _, err := WriteItems(path, []spec.Item{{ID: "i", Fields: map[string]any{"f": func() {}}}}); err == nil {
		t.Error("a field that is no JSON was written")
	}
	if after, _ := os.ReadFile(path); string(after) != want {
		t.Error("a failed write changed the file")
	}
	_, _, err = WriteItems(filepath.Join(path, "no", "folder"), nil)
	wants(t, err, "write ")
}
