package encoder

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// In says whether config.json of the folder dir names an encoder of this
// package. Whatever else may be wrong there, Load or another package's says.
func In(dir string) (bool, error) {
	path := filepath.Join(dir, checkpoint.ConfigFile)
	if _, err := os.Stat(path); err != nil {
		return false, fmt.Errorf("%s: give a Hugging Face model folder: %w", path, err)
	}
	f, err := checkpoint.ReadFields(path)
	if err != nil {
		return false, err
	}
	_, ok := families[f.Str("model_type", "")]
	return ok, f.Err()
}

// Cut is ids cut to limit tokens as tokenizers truncate a text: its own tokens
// go, the last one, which ends every sequence of an encoder, stays. The result
// is ids itself where it is short enough, else new.
func Cut(ids []int, limit int) []int {
	if len(ids) <= limit {
		return ids
	}
	return append(append(make([]int, 0, limit), ids[:limit-1]...), ids[len(ids)-1])
}
