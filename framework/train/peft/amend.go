package peft

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// SetBase records in the adapter folder dir which model the adapter is on, as
// PEFT does: what transformers' from_pretrained takes, and of a model of the Hub
// the revision, "" for none.
func SetBase(dir, model, revision string) error {
	return amend(dir, func(fields map[string]json.RawMessage) (err error) {
		if fields["base_model_name_or_path"], err = json.Marshal(model); err == nil && revision != "" {
			fields["revision"], err = json.Marshal(revision)
		}
		return err
	})
}

// TypeOf is the peft_type of the adapter folder dir: "LORA", "IA3", ...
func TypeOf(dir string) (kind string, err error) {
	fields, err := configFields(dir)
	if err == nil && fields["peft_type"] != nil {
		err = json.Unmarshal(fields["peft_type"], &kind)
	}
	return kind, err
}

// AddScore puts a decoder's label head, [labels, C], into the folder dir of a LoRA
// adapter: as "score" of modules_to_save, with the task type SEQ_CLS, which is
// what PEFT makes of a LoRA adapter on transformers' ForSequenceClassification.
func AddScore(dir string, score checkpoint.Tensor) error {
	path := filepath.Join(dir, WeightsFile)
	tensors, err := checkpoint.ReadSafetensors(path)
	if err != nil {
		return err
	}
	score.Name = Prefix + "score.weight"
	if err := checkpoint.WriteSafetensors(path, append(tensors, score), nil); err != nil {
		return err
	}
	return amend(dir, func(fields map[string]json.RawMessage) error {
		var saved []string
		if raw := fields["modules_to_save"]; raw != nil {
			if err := json.Unmarshal(raw, &saved); err != nil {
				return fmt.Errorf("modules_to_save: %w", err)
			}
		}
		// PEFT writes both names, whichever the model has (peft_model.py,
		// PeftModelForSequenceClassification).
		raw, err := json.Marshal(append(saved, "classifier", "score"))
		fields["modules_to_save"], fields["task_type"] = raw, json.RawMessage(`"SEQ_CLS"`)
		return err
	})
}

// amend changes fields of the folder's adapter_config.json.
func amend(dir string, change func(map[string]json.RawMessage) error) error {
	fields, err := configFields(dir)
	if err != nil {
		return err
	}
	if err := change(fields); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), err)
	}
	return writeConfig(dir, fields)
}

// configFields are the fields of adapter_config.json as they stand there.
func configFields(dir string) (map[string]json.RawMessage, error) {
	path := filepath.Join(dir, ConfigFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the adapter: %w", err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("%s: not valid JSON: %w", path, err)
	}
	return fields, nil
}
