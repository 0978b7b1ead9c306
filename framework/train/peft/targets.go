package peft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/model"
)

// DefaultTargets are the modules that PEFT adapts in a model family when none
// are named (peft/utils/constants.py,
// TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING). Families that it does not
// have get the same layers under their own names (ModernBERT: the fused one).
func DefaultTargets(family string) []string {
	switch family {
	case checkpoint.GPT2:
		return []string{"c_attn"}
	case checkpoint.GPTNeoX:
		return []string{"query_key_value"}
	case checkpoint.Phi:
		return []string{"q_proj", "v_proj", "fc1", "fc2"}
	// Encoders, whose package is not needed here.
	case "bert", "roberta", "electra":
		return []string{"query", "value"}
	case "distilbert":
		return []string{"q_lin", "v_lin"}
	case "mpnet":
		return []string{"q", "v"}
	case "modernbert":
		return []string{"Wqkv"}
	}
	return []string{"q_proj", "v_proj"}
}

// target decides whether a module is adapted.
type target struct {
	pattern string
	whole   *regexp.Regexp // nil: a name or AllLinear
}

// parsePatterns reads the patterns of a field: names, regular expressions, AllLinear.
func parsePatterns(field string, patterns []string) ([]target, error) {
	var out []target
	for i, p := range patterns {
		t := target{pattern: p}
		if p == "" {
			return nil, fmt.Errorf("%s[%d]: is empty; name a module such as \"q_proj\", or %q", field, i, AllLinear)
		}
		if p != AllLinear && !plainName(p) {
			re, err := regexp.Compile(`^(?:` + p + `)$`)
			if err != nil {
				return nil, fmt.Errorf("%s[%d]: %q is neither a module name nor a regular expression in RE2 syntax: %w", field, i, p, err)
			}
			t.whole = re
		}
		out = append(out, t)
	}
	return out, nil
}

// plainName says that s can only be a module path: letters, digits, "_", "."
func plainName(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}

// matches follows peft/tuners/tuners_utils.py, check_target_module_exists.
func (t target) matches(l *model.Linear) bool {
	switch {
	case t.whole != nil:
		return t.whole.MatchString(l.Name)
	case t.pattern == AllLinear:
		return !l.Head
	}
	return l.Name == t.pattern || strings.HasSuffix(l.Name, "."+t.pattern)
}

// candidates are the layers that an adapter can go on, in the model's order,
// the output layer last.
func candidates(m Base) []*model.Linear {
	all := m.Linears()
	if h := m.Head(); h != nil {
		all = append(all, h)
	}
	return all
}

// Match lists the linear layers of m that the target patterns name, in the
// model's order. A pattern that names none is an error.
func Match(m Base, patterns []string) ([]*model.Linear, error) {
	targets, err := parsePatterns("target_modules", patterns)
	if err != nil {
		return nil, err
	}
	all := candidates(m)
	for i, t := range targets {
		if !slices.ContainsFunc(all, t.matches) {
			if table := strings.TrimSuffix(m.Embedding().Name, ".weight"); t.matches(&model.Linear{Name: table, Head: true}) {
				return nil, fmt.Errorf("target_modules[%d]: %q is the token embedding, on which LoRA (lora_embedding_A) is not supported; train it whole with modules_to_save", i, t.pattern)
			}
			names := leafNames(m)
			if h := m.Head(); h != nil {
				names = append(names, h.Name)
			}
			return nil, fmt.Errorf("target_modules[%d]: %q names no linear layer of this %s model; it has %s, or give %q",
				i, t.pattern, m.Family(), strings.Join(names, ", "), AllLinear)
		}
	}
	return selected(all, targets), nil
}

func selected(all []*model.Linear, targets []target) []*model.Linear {
	var out []*model.Linear
	for _, l := range all {
		if slices.ContainsFunc(targets, func(t target) bool { return t.matches(l) }) {
			out = append(out, l)
		}
	}
	return out
}

// leafNames are the last parts of the block layers' names, sorted, each once:
// the list that "all-linear" stands for in a saved adapter.
func leafNames(m Base) []string {
	var out []string
	for _, l := range m.Linears() {
		leaf := l.Name[strings.LastIndexByte(l.Name, '.')+1:]
		if !slices.Contains(out, leaf) {
			out = append(out, leaf)
		}
	}
	slices.Sort(out)
	return out
}

// savedTargets gives the targets as a list of names that means the same to
// PEFT. Where a pattern is a regular expression, which PEFT would try on every
// module, also on those that no adapter fits, and where other fields take
// layers away, the adapted layers are listed whole.
func savedTargets(l *LoRA) []string {
	var names []string
	whole := len(l.cfg.Exclude) > 0 || len(l.cfg.Layers) > 0
	for _, p := range l.cfg.Targets {
		switch {
		case p == AllLinear:
			names = append(names, leafNames(l.m)...)
		case plainName(p):
			names = append(names, p)
		default:
			whole = true
		}
	}
	if whole {
		names = nil
		for _, layer := range l.layers {
			names = append(names, layer.Linear.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// overrides is a compiled rank or alpha pattern.
type overrides []struct {
	re    *regexp.Regexp
	key   string
	value float64
}

// compileOverrides follows peft/utils/other.py, get_pattern_key: a key matches
// from the name's start or after a dot, to its end.
func compileOverrides(field string, list []Override) (overrides, error) {
	out := make(overrides, len(list))
	for i, o := range list {
		re, err := regexp.Compile(`^(?:.*\.)?(?:` + o.Pattern + `)$`)
		if err != nil {
			return nil, fmt.Errorf("%s[%q]: not a regular expression in RE2 syntax: %w", field, o.Pattern, err)
		}
		out[i].re, out[i].key, out[i].value = re, o.Pattern, o.Value
	}
	return out, nil
}

// find is the value of the first key that matches, or otherwise.
func (o overrides) find(name string, otherwise float64) float64 {
	for _, e := range o {
		if e.re.MatchString(name) {
			return e.value
		}
	}
	return otherwise
}

// unused names a key that matches none of the layers, "" if there is none.
func (o overrides) unused(layers []*model.Linear) string {
	for _, e := range o {
		if !slices.ContainsFunc(layers, func(l *model.Linear) bool { return e.re.MatchString(l.Name) }) {
			return e.key
		}
	}
	return ""
}
