package peft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// noEffect are fields of PEFT's LoraConfig that change nothing in what an
// adapter of a supported kind computes, whatever they hold.
var noEffect = []string{"auto_mapping", "eva_config", "inference_mode", "megatron_core", "peft_version", "qalora_group_size", "revision", "runtime_config", "fan_in_fan_out"}

// parseConfig reads adapter_config.json. Every field that is neither known nor
// without effect must be off: null, false, "", [] or {}. That covers what PEFT
// has (lora_bias, trainable_token_indices, target_parameters, ...) and what it may
// get.
func parseConfig(raw []byte, family string) (Config, error) {
	var fields map[string]json.RawMessage
	if err := checkpoint.ParseJSON(raw, &fields); err != nil {
		return Config{}, err
	}
	c := Config{Rank: 8, Alpha: 8, Init: InitDefault} // PEFT's defaults
	for _, f := range []struct {
		name string
		read func(json.RawMessage) error
	}{
		{"peft_type", only("LORA", "only LoRA adapters are supported")},
		{"bias", into(&c.Bias)},
		{"use_dora", into(&c.DoRA)},
		{"modules_to_save", into(&c.ModulesToSave)},
		{"exclude_modules", c.readExclude},
		{"layers_to_transform", oneOrMore(&c.Layers)},
		{"layers_pattern", oneOrMore(&c.LayersPattern)},
		{"base_model_name_or_path", into(&c.Base)},
		{"task_type", into(&c.TaskType)},
		{"r", into(&c.Rank)},
		{"lora_alpha", into(&c.Alpha)},
		{"lora_dropout", into(&c.Dropout)},
		{"use_rslora", into(&c.RSLoRA)},
		{"init_lora_weights", c.readInit},
		{"target_modules", c.readTargets},
		{"rank_pattern", readPattern(&c.RankPattern)},
		{"alpha_pattern", readPattern(&c.AlphaPattern)},
	} {
		value, ok := fields[f.name]
		delete(fields, f.name)
		if !ok || string(value) == "null" {
			if f.name == "peft_type" || f.name == "target_modules" {
				return c, fmt.Errorf("%s: is missing", f.name)
			}
			continue
		}
		if err := f.read(value); err != nil {
			return c, fmt.Errorf("%s%w", f.name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(noEffect, name) && !off(fields[name]) {
			return c, fmt.Errorf("%s: %s is not supported", name, fields[name])
		}
	}
	// True belongs to transformers' Conv1D, which GPT-2 alone has. False there is
	// accepted, as PEFT corrects it with a warning: A and B are stored alike.
	if v, ok := fields["fan_in_fan_out"]; ok && family != checkpoint.GPT2 && string(v) == "true" {
		return c, fmt.Errorf("fan_in_fan_out: true is for GPT-2's transposed weights; this is a %s model", family)
	}
	return c, c.validate()
}

func into[T any](to *T) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		if err := json.Unmarshal(raw, to); err != nil {
			return fmt.Errorf(": got %s, expected %T", raw, *to)
		}
		return nil
	}
}

func only(want, why string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil || s != want {
			return fmt.Errorf(": %s is not supported, only %q: %s", raw, want, why)
		}
		return nil
	}
}

// off says that a value switches nothing on.
func off(raw json.RawMessage) bool {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return false
	}
	return slices.Contains([]string{"null", "false", `""`, "[]", "{}"}, b.String())
}

// readInit takes the ways that leave the base as it is; how A and B were drawn
// no longer matters once they are loaded. The others (pissa, olora, corda,
// loftq, lora_ga, mica) took the adapter out of the base, so that it belongs to
// a base that is in no folder.
func (c *Config) readInit(raw json.RawMessage) error {
	switch string(raw) {
	case "true", "false", `"eva"`, `"orthogonal"`:
		c.Init = InitDefault
	case `"gaussian"`:
		c.Init = InitGaussian
	default:
		return fmt.Errorf(": %s is not supported: it changed the base model; save the adapter with PEFT as one for the unchanged base, save_pretrained(..., path_initial_model_for_weight_conversion=...)", raw)
	}
	return nil
}

// oneOrMore reads one value or a list.
func oneOrMore[T any](to *[]T) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var one T
		switch {
		case off(raw):
			return nil
		case json.Unmarshal(raw, &one) == nil:
			*to = []T{one}
			return nil
		}
		return into(to)(raw)
	}
}

// readExclude reads exclude_modules, whose form is that of target_modules.
func (c *Config) readExclude(raw json.RawMessage) error {
	if off(raw) {
		return nil
	}
	var t Config
	err := t.readTargets(raw)
	c.Exclude = t.Targets
	return err
}

// readTargets reads a list of names, or one string: "all-linear" or a regular
// expression for whole names, even if it looks like a name.
func (c *Config) readTargets(raw json.RawMessage) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if one != AllLinear && plainName(one) {
			one = "(?:" + one + ")"
		}
		c.Targets = []string{one}
		return nil
	}
	if err := json.Unmarshal(raw, &c.Targets); err != nil || len(c.Targets) == 0 {
		return fmt.Errorf(": got %s, expected a list of module names or one string", raw)
	}
	for i, t := range c.Targets {
		if !plainName(t) {
			return fmt.Errorf("[%d]: %q is not a module name; a regular expression stands alone, not in a list", i, t)
		}
	}
	slices.Sort(c.Targets) // PEFT writes a set, in no order
	return nil
}

// readPattern reads an object in the order of its keys.
func readPattern(to *[]Override) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		dec := json.NewDecoder(bytes.NewReader(raw))
		if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
			return fmt.Errorf(": got %s, expected an object of pattern and number", raw)
		}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return fmt.Errorf(": %w", err)
			}
			o := Override{Pattern: key.(string)}
			if err := dec.Decode(&o.Value); err != nil {
				return fmt.Errorf("[%q]: expected a number: %w", o.Pattern, err)
			}
			*to = append(*to, o)
		}
		return nil
	}
}
