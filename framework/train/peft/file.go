package peft

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
// configuration and, in float32, all that trains. Nothing else of the base model
// is written.
func (l *LoRA) Save(dir string) error {
	return writeSlots(dir, "LORA", l.fields(), l.slots())
}

// slots are the tensors of the adapter's file.
func (l *LoRA) slots() []slot {
	out := slots("", l.adapterParams()...)
	for _, w := range l.whole {
		out = append(out, w.slot())
	}
	return append(out, slots(Prefix, l.own.Params...)...)
}

// Load freezes m and puts the adapter of the folder dir on it, as Save and
// PEFT write it. It is strict: a configuration that asks for what is not
// supported, and a missing, unexpected or misshapen tensor, are errors that
// name the field or the tensor; m is then left as it was.
func Load(m Base, dir string, own ...Own) (*LoRA, error) {
	path := filepath.Join(dir, ConfigFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load the adapter: %w", err)
	}
	c, err := parseConfig(raw, m.Family())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(own) == 0 && slices.ContainsFunc(c.ModulesToSave, c.labelHead) {
		return nil, fmt.Errorf("%s: task_type: %q: the adapter holds a label head, which predicts labels and neither scores nor writes text", path, c.TaskType)
	}
	c.ModulesToSave = slices.DeleteFunc(c.ModulesToSave, func(name string) bool {
		return slices.Contains(join(own).Modules, name) || c.labelHead(name)
	})
	weights, err := checkpoint.Open(filepath.Join(dir, WeightsFile))
	if err != nil {
		return nil, fmt.Errorf("load the adapter: %w", err)
	}
	defer weights.Close()
	l, err := build(m, c.withDefaults(m.Family()), weights, own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.copyBase()
	if err := readSlots(dir, l.slots(), l.baseLayer); err != nil {
		l.drop()
		return nil, err
	}
	l.install()
	return l, nil
}

// labelHead says that a name of modules_to_save is one of those that PEFT adds
// to every classifier's adapter, whether the model has it or not
// (peft/peft_model.py, PeftModelForSequenceClassification).
func (c Config) labelHead(name string) bool {
	return (c.TaskType == "SEQ_CLS" || c.TaskType == "TOKEN_CLS") && (name == "classifier" || name == "score")
}

// baseLayer takes a tensor that is no part of the adapter: the weight below an
// adapted output layer, which PEFT writes too (utils/save_and_load.py,
// save_embedding_layers) and which must be that of the model.
func (l *LoRA) baseLayer(r *checkpoint.Reader, name string) error {
	for _, layer := range l.layers {
		lin := layer.Linear
		if name != Prefix+lin.Name+".base_layer.weight" || lin.W == nil {
			continue
		}
		w, err := r.Float32(name, lin.Out, lin.In)
		if err != nil {
			return err
		}
		if !slices.Equal(w, lin.W.Data()) {
			return fmt.Errorf("tensor %q is not this model's weight: the adapter belongs to another base model", name)
		}
		return nil
	}
	return unexpected(r, name)
}

// fields is what adapter_config.json says of this adapter.
func (l *LoRA) fields() Fields {
	c := l.cfg
	fields := Fields{
		"task_type": nil,
		"r":         c.Rank, "lora_alpha": c.Alpha, "lora_dropout": c.Dropout, "target_modules": savedTargets(l),
		"bias": c.Bias, "fan_in_fan_out": l.m.Family() == checkpoint.GPT2, // transformers' Conv1D stores [in, out]
		"rank_pattern": ordered(c.RankPattern), "alpha_pattern": ordered(c.AlphaPattern),
		"use_rslora": c.RSLoRA, "use_dora": c.DoRA, "init_lora_weights": true, "modules_to_save": nil,
	}
	if names := append(slices.Clone(c.ModulesToSave), l.own.Modules...); len(names) > 0 {
		fields["modules_to_save"] = names
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
