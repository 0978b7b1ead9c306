package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// GenerationFile holds how a model is meant to generate.
const GenerationFile = "generation_config.json"

// readGeneration gives the end tokens of dir/generation_config.json, which
// transformers takes in place of config.json's; nil where the file or the field
// is missing or null.
func readGeneration(dir string) ([]int, error) {
	path := filepath.Join(dir, GenerationFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	f := configFields{}
	if err := ParseJSON(raw, &f.m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	ids := f.ids("eos_token_id", -1)
	if f.err != nil {
		return nil, fmt.Errorf("%s: %w", path, f.err)
	}
	return ids, nil
}
