package peft

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Names of the files of an adapter folder (huggingface/peft,
// docs/source/developer_guides/checkpoint.md).
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
)

// Save writes the adapter to the folder dir, which it makes, as PEFT does: the
// configuration and the tensors A and B of each layer in float32. Nothing of
// the base model is written.
func (l *LoRA) Save(dir string) error {
	return WriteFolder(dir, "LORA", l.fields(), l.Params())
}

// Load freezes m and puts the adapter of the folder dir on it, as Save and
// PEFT write it. It is strict: a configuration that asks for what is not
// supported, and a missing, unexpected or misshapen tensor, are errors that
// name the field or the tensor; m is then left as it was.
func Load(m Base, dir string) (*LoRA, error) {
	path := filepath.Join(dir, ConfigFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load the adapter: %w", err)
	}
	c, err := parseConfig(raw, m.Family())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c = c.withDefaults(m.Family())
	linears, err := Match(m, c.Targets)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l, err := build(m, c, linears, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := ReadParams(dir, l.Params()); err != nil {
		for _, p := range l.Params() {
			p.Free()
		}
		return nil, err
	}
	l.install()
	return l, nil
}

// fields is what adapter_config.json says of this adapter.
func (l *LoRA) fields() Fields {
	c := l.cfg
	fields := Fields{
		"task_type": nil,
		"r":         c.Rank, "lora_alpha": c.Alpha, "lora_dropout": c.Dropout, "target_modules": savedTargets(l),
		"bias": "none", "fan_in_fan_out": l.m.Family() == checkpoint.GPT2, // transformers' Conv1D stores [in, out]
		"rank_pattern": ordered(c.RankPattern), "alpha_pattern": ordered(c.AlphaPattern),
		"use_rslora": c.RSLoRA, "use_dora": false, "init_lora_weights": true, "modules_to_save": nil,
	}
	if c.TaskType != "" {
		fields["task_type"] = c.TaskType
	}
	if c.Base != "" {
		fields["base_model_name_or_path"] = c.Base
	}
	if c.Init == InitGaussian {
		fields["init_lora_weights"] = c.Init
	}
	return fields
}

// ordered is a pattern map that keeps its order, which decides what matches.
type ordered []Override

// MarshalJSON writes an object with its keys in order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for i, e := range o {
		key, err := json.Marshal(e.Pattern)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.Value)
		if err != nil {
			return nil, err
		}
		b.WriteString([]string{"{", ","}[min(i, 1)] + string(key) + ":" + string(value))
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	return []byte(b.String() + "}"), nil
}
