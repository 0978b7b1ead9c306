package hub

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// optional are the files that a model folder may have at a fixed path; each is
// fetched if it is there. What a folder must have is checked by weights.
var optional = []string{
	"config.json", "generation_config.json",
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
	"adapter_config.json", "sentence_bert_config.json",
}

// ofSentences are those of sentence-transformers, at the top.
var ofSentences = []string{modulesFile, "config_sentence_transformers.json"}

const (
	modulesFile = "modules.json"
	indexFile   = "model.safetensors.index.json"
	modelFile   = "model.safetensors"
)

// small chooses what is fetched before the weights, in order.
func small(names []string, parts []part) []string {
	var out []string
	for _, p := range append([]part{{"", transformer}}, parts...) {
		for _, n := range p.inside(names) {
			dir, file := path.Split(n)
			take := dir == "" && isSmall(file) || dir == "additional_chat_templates/" && strings.HasSuffix(file, ".jinja") ||
				p.path == "" && slices.Contains(ofSentences, n)
			if take {
				out = append(out, p.path+n)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isSmall tells of a file in a model folder.
func isSmall(file string) bool {
	if slices.Contains(optional, file) || file == indexFile {
		return true
	}
	return strings.HasSuffix(file, ".json") && (strings.HasPrefix(file, "tokenizer") || strings.HasPrefix(file, "adapter_") || strings.HasPrefix(file, "sentence_"))
}

// weights chooses the weights: the shards of the index, else
// model.safetensors, else every safetensors file at the top; and an adapter's.
func weights(names []string, index []byte) ([]string, error) {
	var out []string
	if index != nil {
		shards, err := indexed(index)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", indexFile, err)
		}
		for _, s := range shards {
			if !slices.Contains(names, s) {
				return nil, fmt.Errorf("%s names %s, which is not there", indexFile, s)
			}
		}
		out = shards
	} else if slices.Contains(names, modelFile) {
		out = []string{modelFile}
	}
	pickles := false
	for _, n := range slices.Sorted(slices.Values(names)) {
		top := !strings.Contains(n, "/") && strings.HasSuffix(n, ".safetensors")
		adapter := top && strings.HasPrefix(n, "adapter_")
		if adapter || top && index == nil && !slices.Contains(names, modelFile) {
			out = append(out, n)
		}
		pickles = pickles || strings.HasSuffix(n, ".bin") || strings.HasSuffix(n, ".pt") || strings.HasSuffix(n, ".pth")
	}
	if len(out) > 0 {
		return out, nil
	}
	if pickles {
		return nil, fmt.Errorf("%w, only PyTorch pickles, which are not loaded: convert the model with transformers (from_pretrained, then save_pretrained) and give the folder", ErrWeights)
	}
	return nil, fmt.Errorf("%w: is it a model?", ErrWeights)
}

// indexed gives the files that an index names, sorted.
func indexed(index []byte) ([]string, error) {
	var m struct {
		Weights map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(index, &m); err != nil {
		return nil, err
	}
	files := map[string]bool{}
	for _, f := range m.Weights {
		if !safePath(f) {
			return nil, fmt.Errorf("%q is not a path of a file", f)
		}
		files[f] = true
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("weight_map names no file")
	}
	return slices.Sorted(maps.Keys(files)), nil
}
