package bench

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed configs/*.json
var configFiles embed.FS

// Configs are the names of the shapes: a Llama of 3.1M parameters (6 layers,
// 192 wide, vocabulary of 2048), one of 15M (that of llama2.c's stories15M),
// GPT-2 124M, SmolLM-135M and DistilBERT 67M.
var Configs = []string{"tiny", "llama-15m", "gpt2", "smollm-135m", "distilbert"}

// configJSON is a shape as a config.json.
func configJSON(name string) ([]byte, error) {
	raw, err := configFiles.ReadFile("configs/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("config: no shape %q; there are %s", name, strings.Join(Configs, ", "))
	}
	return raw, nil
}

// isEncoder tells which shapes have no output layer over the vocabulary.
func isEncoder(config string) bool { return config == "distilbert" }
