package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A text is lower-cased as the normaliser Lowercase does it, around the special
// tokens in it, whether or not the folder has a normaliser of its own.
func TestLoadLowerCased(t *testing.T) {
	for _, name := range []string{"bert_cased", "gpt2"} {
		dir := filepath.Join("testdata", name)
		plain, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		lower, err := LoadLowerCased(dir)
		if err != nil {
			t.Fatal(err)
		}
		special := map[string]string{"bert_cased": "[SEP]", "gpt2": "<|endoftext|>"}[name]
		upper, want := "A CAT İN "+special+" THE HAT", plain.Encode("a cat i\u0307n "+special+" the hat", true)
		if got := lower.Encode(upper, true); !slices.Equal(got, want) || slices.Equal(got, plain.Encode(upper, true)) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	dir := t.TempDir()
	if _, err := LoadLowerCased(dir); err == nil {
		t.Error("a folder without a tokenizer")
	}
	if err := os.WriteFile(filepath.Join(dir, File), []byte("["), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadLowerCased(dir); err == nil || !strings.Contains(err.Error(), File) {
		t.Errorf("a broken file: %v", err)
	}
}
