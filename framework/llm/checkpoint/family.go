package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// family is what config.json needs to know of a model family. Its code is in
// the file of its name; the decoder's side is its recipe in package model.
type family struct {
	architecture string // transformers' class
	activation   string // default, as transformers names it
	layersField  string // where the number of blocks stands; "": num_hidden_layers
	rotary       bool   // rotary positions; else learned ones
	ids          ids    // token ids of a config.json that says nothing of them
	square       bool   // every head has its own keys, HiddenSize/Heads wide
	// read gives the fields but the family, the layers and the token ids.
	read func(f *Fields) Config
	// write adds the fields that read reads.
	write func(c Config, m map[string]any)
}

// ids are token ids; -1 is none.
type ids struct{ bos, eos, pad int }

func (f family) layers() string {
	if f.layersField == "" {
		return "num_hidden_layers"
	}
	return f.layersField
}

var families map[string]family

func init() {
	families = map[string]family{
		Llama: llamaFamily, GPT2: gpt2Family, Qwen2: qwen2Family, Qwen3: qwen3Family, Mistral: mistralFamily,
		Gemma2: gemma2Family, Gemma3: gemma3Family, GPTNeoX: neoxFamily, Phi: phiFamily, OPT: optFamily,
		SmolLM3: smollm3Family, OLMo2: olmo2Family, Granite: graniteFamily,
	}
}

// Families are the supported model types, sorted.
func Families() []string { return slices.Sorted(maps.Keys(families)) }

// checkClasses refuses a config.json whose classes are all of another family.
func (d family) checkClasses(f *Fields) error {
	own := strings.TrimSuffix(strings.TrimSuffix(d.architecture, "ForCausalLM"), "LMHeadModel")
	classes := DecodeField[[]string](f, "architectures", nil)
	if f.err != nil || len(classes) == 0 || slices.ContainsFunc(classes, func(c string) bool { return strings.HasPrefix(c, own) }) {
		return f.err
	}
	return fmt.Errorf("architectures: %s is not of this model_type, whose class is %s", strings.Join(classes, ", "), d.architecture)
}

func unsupported(name string) error {
	hint := ""
	if name == "gemma3" {
		hint = "; of this model the text part alone is, saved as " + Gemma3
	}
	return fmt.Errorf("model_type: %q is not supported; supported are %s%s", name, strings.Join(Families(), ", "), hint)
}
