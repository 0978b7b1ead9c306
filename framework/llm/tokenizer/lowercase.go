package tokenizer

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// LoadLowerCased is Load with the normaliser Lowercase in front of the folder's
// own, as do_lower_case of sentence-transformers has it: special tokens in a text
// keep their case.
func LoadLowerCased(dir string) (*Tokenizer, error) {
	fs, err := readFiles(dir)
	if err != nil {
		return nil, err
	}
	var j map[string]json.RawMessage
	if err := checkpoint.ParseJSON(fs[File], &j); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, File), err)
	}
	list := []json.RawMessage{json.RawMessage(`{"type":"Lowercase"}`)}
	if own := j["normalizer"]; own != nil && string(own) != "null" {
		list = append(list, own)
	}
	if j["normalizer"], err = json.Marshal(map[string]any{"type": "Sequence", "normalizers": list}); err != nil {
		return nil, err
	}
	if fs[File], err = json.Marshal(j); err != nil {
		return nil, err
	}
	return build(fs, dir)
}
