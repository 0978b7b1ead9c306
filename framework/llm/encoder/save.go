package encoder

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Save writes config.json and model.safetensors (float32) to the folder dir,
// which it makes, in the form transformers loads: with the masked-LM head as
// the family's class of that task, without it as its bare encoder; the pooler is
// kept in both. config.json is the one that was loaded, but for its class and
// dtype. Adapters must be merged and NF4 weights dequantised before.
func (m *Encoder) Save(dir string) error { return m.SaveAs(dir, "F32") }

// SaveAs is Save with the weights as "F32" or rounded to "F16" or "BF16".
func (m *Encoder) SaveAs(dir, dtype string) error {
	f := form{class: m.family.class, cut: m.family.prefix, params: m.Params()}
	if m.mlm != nil {
		f.class, f.cut = m.family.mlmClass, ""
	}
	return m.save(dir, dtype, f)
}

// form is how a folder is written.
type form struct {
	class  string // of transformers
	cut    string // in front of names
	params []*autograd.Param
	fields map[string]any // of config.json, in place of what was loaded
	drop   []string       // fields of config.json that are left out
}

func (m *Encoder) save(dir, dtype string, f form) error {
	if err := m.Plain(); err != nil {
		return fmt.Errorf("save %s: %w", dir, err)
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = compute.Recover(func() error { // a weight may be read now
			return checkpoint.WriteSafetensors(filepath.Join(dir, checkpoint.WeightsFile), m.tensors(dtype, f), nil)
		})
	}
	if err != nil {
		return fmt.Errorf("save the encoder: %w", err)
	}
	return m.writeConfig(dir, dtype, f)
}

func (m *Encoder) tensors(dtype string, f form) []checkpoint.Tensor {
	var tensors []checkpoint.Tensor
	for _, p := range f.params {
		tensors = append(tensors, checkpoint.Tensor{Name: strings.TrimPrefix(p.Name, f.cut), DType: dtype, Shape: p.Shape(), Read: p.Data})
	}
	if n := m.family.mlm; m.mlm != nil && !m.cfg.TieEmbeddings && m.mlm.decoder.B != nil && n.bias != n.decoder+".bias" {
		// Not tied, the bias is a parameter of its own beside the one in use.
		b := m.mlm.decoder.B
		tensors = append(tensors, checkpoint.Tensor{Name: n.decoder + ".bias", DType: dtype, Shape: b.Shape(), Data: b.Data()})
	}
	return tensors
}

func (m *Encoder) writeConfig(dir, dtype string, f form) error {
	loaded, all := map[string]json.RawMessage{}, map[string]any{}
	if err := json.Unmarshal(m.cfg.raw, &loaded); err != nil {
		return fmt.Errorf("save the encoder: config.json: %w", err)
	}
	for name, raw := range loaded {
		all[name] = raw
	}
	for _, name := range append(f.drop, "_name_or_path", "dtype", "quantization_config") {
		delete(all, name)
	}
	maps.Copy(all, f.fields)
	maps.Copy(all, map[string]any{"architectures": []string{f.class}, "torch_dtype": checkpoint.TorchDType(dtype)})
	return checkpoint.WriteFields(filepath.Join(dir, checkpoint.ConfigFile), all)
}
