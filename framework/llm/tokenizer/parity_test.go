package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

type parityCase struct {
	Text             *string
	IDs, Full        []int
	IDsOnly          []int `json:"ids_only"`
	Decoded, Skipped string
}

// TestParity compares every string of testdata/*/cases.json with what Hugging
// Face's tokenizers gave (testdata/make_fixtures.py).
func TestParity(t *testing.T) {
	dirs, _ := filepath.Glob("testdata/*/cases.json")
	if len(dirs) != 5 {
		t.Fatalf("found %d tokenizers in testdata, want 5", len(dirs))
	}
	for _, path := range dirs {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			tok, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var cases []parityCase
			if err := json.Unmarshal(raw, &cases); err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				ids := c.IDsOnly
				if c.Text != nil {
					ids = c.Full
					if got := tok.Encode(*c.Text, false); !slices.Equal(got, c.IDs) {
						t.Errorf("%q: ids %v, want %v", *c.Text, got, c.IDs)
					}
					if got := tok.Encode(*c.Text, true); !slices.Equal(got, c.Full) {
						t.Errorf("%q: with special ids %v, want %v", *c.Text, got, c.Full)
					}
				}
				if got := tok.Decode(ids, false); got != c.Decoded {
					t.Errorf("%v: text %q, want %q", ids, got, c.Decoded)
				}
				if got := tok.Decode(ids, true); got != c.Skipped {
					t.Errorf("%v: text without specials %q, want %q", ids, got, c.Skipped)
				}
			}
		})
	}
}
