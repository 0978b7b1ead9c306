package embed

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// recipe is how a folder of sentence-transformers makes one vector of a text.
type recipe struct {
	dir             string            // folder of the model and its tokenizer: the folder itself, or one in it
	maxLength       int               // of its settings: tokens at which texts are cut, special ones counted; 0: not stated
	tokenizerLength int               // of the tokenizer, likewise
	lowerCase       bool              // texts are lower-cased before the tokenizer's own normaliser
	prompts         map[string]string // by name
	prompt          string            // name of the default one, "" for none
	pooling         []string          // modes, whose vectors stand one after the other
	skipPrompt      bool              // the prompt's tokens are not pooled
	stages          []stage           // what the vector goes through then, in order
}

// Files of sentence-transformers 2 to 6.
const (
	modulesFile = "modules.json"
	promptsFile = "config_sentence_transformers.json"
)

// module is an entry of modules.json.
type module struct {
	kind, dir string
}

// readModules reads dir/modules.json; nil where there is none.
func readModules(dir string) ([]module, error) {
	path := filepath.Join(dir, modulesFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var list []struct {
		Path, Type string
		Kwargs     []string
	}
	if err := checkpoint.ParseJSON(raw, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: names no module", path)
	}
	var out []module
	for i, m := range list {
		if m.Path != "" && !filepath.IsLocal(m.Path) {
			return nil, fmt.Errorf("%s: module %d: path %q leaves the folder", path, i, m.Path)
		}
		kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]
		if !strings.HasPrefix(m.Type, "sentence_transformers.") || !slices.Contains([]string{"Transformer", "Pooling", "Dense", "Normalize"}, kind) {
			return nil, fmt.Errorf("%s: module %d: %q is not supported; supported are Transformer, Pooling, Dense and Normalize of sentence-transformers", path, i, m.Type)
		}
		if len(m.Kwargs) > 0 {
			return nil, fmt.Errorf("%s: module %d: kwargs %v are not supported", path, i, m.Kwargs)
		}
		if (i == 0) != (kind == "Transformer") || (i == 1) != (kind == "Pooling") {
			return nil, fmt.Errorf("%s: module %d is %s; supported are Transformer, Pooling, then Dense and Normalize at will", path, i, kind)
		}
		out = append(out, module{kind, filepath.Join(dir, m.Path)})
	}
	return out, nil
}

// readRecipe reads the settings of a folder's modules, and its prompts.
func readRecipe(dir string, modules []module) (recipe, error) {
	var r recipe
	for _, m := range modules {
		var err error
		switch m.kind {
		case "Transformer":
			err = r.readTransformer(m.dir)
		case "Pooling":
			err = r.readPooling(m.dir)
		case "Dense":
			err = r.readDense(m.dir)
		case "Normalize":
			err = r.readNormalize(m.dir)
		}
		if err != nil {
			return r, err
		}
	}
	if r.pooling == nil {
		return r, fmt.Errorf("%s: has no Pooling module; give the pooling: %s", filepath.Join(dir, modulesFile), strings.Join(Poolings, ", "))
	}
	return r, r.readPrompts(filepath.Join(dir, promptsFile))
}

func (r *recipe) readPrompts(path string) error {
	var c struct {
		Kind    *string            `json:"model_type"`
		Prompts map[string]*string `json:"prompts"`
		Default *string            `json:"default_prompt_name"`
	}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := checkpoint.ParseJSON(raw, &c); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if c.Kind != nil && *c.Kind != "SentenceTransformer" {
		return fmt.Errorf("%s: model_type: %q is not supported, only SentenceTransformer", path, *c.Kind)
	}
	r.prompts = map[string]string{"query": "", "document": ""} // those that every model has
	for name, text := range c.Prompts {
		r.prompts[name] = ""
		if text != nil {
			r.prompts[name] = *text
		}
	}
	if c.Default != nil {
		r.prompt = *c.Default
	}
	if _, err := r.promptOf(r.prompt); err != nil {
		return fmt.Errorf("%s: default_prompt_name: %w", path, err)
	}
	return nil
}

// promptOf gives the text of a prompt, "" for no name.
func (r *recipe) promptOf(name string) (string, error) {
	text, ok := r.prompts[name]
	if !ok && name != "" {
		return "", fmt.Errorf("there is no prompt %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(r.prompts)), ", "))
	}
	return text, nil
}
