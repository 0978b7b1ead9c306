package peft

import (
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// slot is one tensor of an adapter's file.
type slot struct {
	key   string
	shape []int
	get   func() []float32
	set   func([]float32)
}

// slots are parameters under their names, with a prefix.
func slots(prefix string, params ...*autograd.Param) []slot {
	var out []slot
	for _, p := range params {
		out = append(out, slot{key: prefix + p.Name, shape: p.Shape(), get: p.Data, set: p.Set})
	}
	return out
}

// readSlots reads every slot from adapter_model.safetensors of the folder dir.
// A tensor for which there is no slot is handed to other, which gives the error
// if it has no place either.
func readSlots(dir string, list []slot, other func(r *checkpoint.Reader, name string) error) error {
	path := filepath.Join(dir, WeightsFile)
	r, err := checkpoint.Open(path)
	if err != nil {
		return fmt.Errorf("load the adapter: %w", err)
	}
	defer r.Close()
	known := map[string]bool{}
	for _, s := range list {
		data, err := r.Float32(s.key, s.shape...)
		if err != nil {
			return err
		}
		s.set(data)
		known[s.key] = true
	}
	for _, name := range r.Names() {
		if known[name] {
			continue
		}
		if err := other(r, name); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// unexpected refuses a tensor.
func unexpected(_ *checkpoint.Reader, name string) error {
	return fmt.Errorf("unexpected tensor %q: %s and this model have no place for it", name, ConfigFile)
}
