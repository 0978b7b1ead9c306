package peft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Fields are fields of an adapter_config.json by name. To be written, each
// holds its value. To be read (ReadConfig), each holds what to do with it:
//   - a pointer: the value is read into it, strictly of its type; a field that
//     is missing or null leaves it as it is, which makes it the default;
//   - nil: any value will do, since it has no effect on what is computed;
//   - another value: the only one that is supported.
type Fields map[string]any

// WriteFolder writes an adapter of any of PEFT's types, or of a type of your
// own, to the folder dir, which it makes: adapter_config.json with the type, a
// task type of CAUSAL_LM and fields, which may replace these, and the parameters
// in float32 under their names, which must be the keys that PEFT writes.
func WriteFolder(dir, peftType string, fields Fields, params []*autograd.Param) error {
	return writeSlots(dir, peftType, fields, slots("", params...))
}

func writeSlots(dir, peftType string, fields Fields, list []slot) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("save the adapter: %w", err)
	}
	all := Fields{"peft_type": peftType, "task_type": "CAUSAL_LM", "base_model_name_or_path": nil, "inference_mode": true}
	maps.Copy(all, fields)
	var tensors []checkpoint.Tensor
	for _, s := range list {
		tensors = append(tensors, checkpoint.Tensor{Name: s.key, Shape: s.shape, Data: s.get()})
	}
	if err := checkpoint.WriteSafetensors(filepath.Join(dir, WeightsFile), tensors, nil); err != nil {
		return err
	}
	return writeConfig(dir, all)
}

func writeConfig[V any](dir string, fields map[string]V) error {
	raw, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return fmt.Errorf("save the adapter: %w", err)
	}
	return checkpoint.WriteAtomic(filepath.Join(dir, ConfigFile), func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
}

// ReadConfig reads adapter_config.json of the folder dir, which must be of the
// type given. A field that is neither in fields nor without effect for every
// type must be off: null, false, "", [] or {}.
func ReadConfig(dir, peftType string, fields Fields) error {
	path := filepath.Join(dir, ConfigFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("load the adapter: %w", err)
	}
	var have map[string]json.RawMessage
	if err := checkpoint.ParseJSON(raw, &have); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	all := Fields{"peft_type": nil, "task_type": nil, "base_model_name_or_path": nil}
	maps.Copy(all, fields)
	if kind := have["peft_type"]; kind == nil {
		return fmt.Errorf("%s: peft_type: is missing", path)
	} else if string(kind) != strconv.Quote(peftType) {
		return fmt.Errorf("%s: peft_type: %s is not supported, only %q", path, kind, peftType)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		what, known := all[name]
		switch {
		case !known && !slices.Contains(noEffect, name) && !off(have[name]):
			return fmt.Errorf("%s: %s: %s is not supported", path, name, have[name])
		case !known || what == nil || string(have[name]) == "null":
		case reflect.TypeOf(what).Kind() == reflect.Pointer:
			if err := json.Unmarshal(have[name], what); err != nil {
				return fmt.Errorf("%s: %s: got %s: %w", path, name, have[name], err)
			}
		default:
			if want, err := json.Marshal(what); err != nil || !bytes.Equal(want, have[name]) {
				return fmt.Errorf("%s: %s: %s is not supported, only %s", path, name, have[name], want)
			}
		}
	}
	return nil
}

// Targets is a field target_modules: a list of module names, or one string, a
// regular expression for whole names or AllLinear. Match takes it.
type Targets []string

// UnmarshalJSON reads the list or the string.
func (t *Targets) UnmarshalJSON(raw []byte) error {
	var c Config
	err := c.readTargets(raw)
	*t = c.Targets
	return err
}

// ReadParams sets parameters from adapter_model.safetensors of the folder dir by
// their names. A missing, misshapen or unexpected tensor is an error.
func ReadParams(dir string, params []*autograd.Param) error {
	return readSlots(dir, slots("", params...), unexpected)
}
