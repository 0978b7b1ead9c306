package checkpoint

import "path/filepath"

// GenerationFile holds how a model is meant to generate.
const GenerationFile = "generation_config.json"

// readGeneration gives the end tokens of dir/generation_config.json, which
// transformers takes in place of config.json's; nil where the file or the field
// is missing or null.
func readGeneration(dir string) ([]int, error) {
	f, err := ReadFields(filepath.Join(dir, GenerationFile))
	if err != nil {
		return nil, err
	}
	return f.ids("eos_token_id", -1), f.err
}
