package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// generation is what a model's generation_config.json asks for, beside its end
// tokens, whoever calls. How tokens are drawn is the caller's to say.
type generation struct {
	RepetitionPenalty float64 `json:"repetition_penalty"`
	MaxNewTokens      int     `json:"max_new_tokens"` // 0: not said
}

// unserved are the fields that would change what is generated and that nothing
// here does, each with the values that switch it off beside null.
var unserved = map[string][]string{
	"no_repeat_ngram_size": {"0"}, "encoder_no_repeat_ngram_size": {"0"}, "suppress_tokens": {"[]"}, "begin_suppress_tokens": {"[]"},
	"bad_words_ids": {"[]"}, "force_words_ids": {"[]"}, "sequence_bias": {"{}", "[]"}, "min_length": {"0"}, "min_new_tokens": {"0"},
	"num_beams": {"1"}, "num_beam_groups": {"1"}, "exponential_decay_length_penalty": nil, "encoder_repetition_penalty": {"1", "1.0"},
	"guidance_scale": {"1", "1.0"}, "watermarking_config": nil, "forced_bos_token_id": nil, "forced_eos_token_id": nil, "penalty_alpha": {"0", "0.0"},
}

// readGeneration reads the file; a folder without one asks for nothing.
func readGeneration(dir string) (g generation, err error) {
	path := filepath.Join(dir, checkpoint.GenerationFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	} else if err != nil {
		return g, err
	}
	var fields map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(raw, &fields), json.Unmarshal(raw, &g)); err != nil {
		return g, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range sortedKeys(unserved) {
		if v := strings.TrimSpace(string(fields[name])); v != "" && v != "null" && !slices.Contains(unserved[name], v) {
			return g, fmt.Errorf("%s: %s: %s is not supported; take the field out of a copy of the folder to generate without it", path, name, v)
		}
	}
	return g, nil
}
