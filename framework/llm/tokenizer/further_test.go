package tokenizer

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// What transformers adds to the tokens of tokenizer.json
// (testdata/make_further.py).
func TestFurtherTokens(t *testing.T) {
	var f struct {
		Texts   []string
		Folders []struct {
			Files map[string]json.RawMessage
			Size  int
			Added map[string]int
			IDs   [][]int
			Plain []string
		}
	}
	readJSON(t, &f, "testdata", "further.json")
	hashes := map[string]bool{}
	for _, c := range f.Folders {
		extra := map[string]string{}
		for name, raw := range c.Files {
			extra[name] = string(raw)
		}
		tok, err := Load(folder(t, "gpt2", nil, extra))
		if err != nil {
			t.Errorf("%v: %v", extra, err)
			continue
		}
		if tok.VocabSize() != c.Size || !maps.Equal(tok.added, c.Added) {
			t.Errorf("%v: %d tokens, added %v, want %d, %v", extra, tok.VocabSize(), tok.added, c.Size, c.Added)
		}
		for i, text := range f.Texts {
			ids := tok.Encode(text, false)
			if !slices.Equal(ids, c.IDs[i]) {
				t.Errorf("%v: %q is %v, want %v", extra, text, ids, c.IDs[i])
			}
			if got := tok.Decode(ids, true); got != c.Plain[i] {
				t.Errorf("%v: %q comes back as %q, want %q", extra, text, got, c.Plain[i])
			}
		}
		hashes[tok.Hash()] = true
	}
	if len(hashes) != len(f.Folders) || len(hashes) < 9 {
		t.Errorf("%d hashes of %d tokenizers", len(hashes), len(f.Folders))
	}
}

func TestBadDeclaredTokens(t *testing.T) {
	for config, want := range map[string]string{
		`{"added_tokens_decoder": {"x": {}}}`:              "added_tokens_decoder: found number x, expected an integer",
		`{"added_tokens_decoder": {"7": {"content": ""}}}`: "added_tokens_decoder: 7: not a token with a content",
		`{"added_tokens_decoder": []}`:                     "added_tokens_decoder: found an array, expected an object",
		"\xef\xbb\xbf{}":                                   "byte order mark",
	} {
		if _, err := Load(folder(t, "gpt2", nil, map[string]string{ConfigFile: config})); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), ConfigFile) != 1 {
			t.Errorf("%s: %v, want %s", config, err, want)
		}
	}
}
