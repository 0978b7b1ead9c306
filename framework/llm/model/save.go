package model

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Save writes config.json and model.safetensors (float32) to the folder dir,
// which it makes, in the form transformers loads: tied embeddings once, GPT-2's
// linear weights transposed. Adapters must be merged and NF4 weights
// dequantised before.
func (m *Model) Save(dir string) error { return m.SaveAs(dir, "F32") }

// SaveAs is Save with the weights as "F32" or rounded to "F16" or "BF16".
func (m *Model) SaveAs(dir, dtype string) error { return m.save(dir, dtype, nil, nil) }

// SaveNF4 is Save with the linear layers of the blocks in 4 bits, as transformers
// and bitsandbytes save and load them: quantise gives what each layer's W is there,
// always [out,in].
func (m *Model) SaveNF4(dir string, quantise func(l *Linear) *checkpoint.NF4) error {
	return m.save(dir, "F32", quantise, nil)
}

// LabelHead is a linear layer without bias on the final state of a text's last token.
type LabelHead struct {
	Labels []string  // their names, by row
	Score  []float32 // [labels, C]
	// PAD is the token that pads batches, -1 if none does. transformers takes a
	// text's last token that is not it for the last; without it, one text at a time.
	PAD int
}

// SaveClassifier is Save with a label head in place of the output layer, in the
// form of transformers' class for sequence classification of the family; a family
// that has none is an error (checkpoint.Config.Classifier).
func (m *Model) SaveClassifier(dir string, h LabelHead) error { return m.save(dir, "F32", nil, &h) }

func (m *Model) save(dir, dtype string, quantise func(l *Linear) *checkpoint.NF4, labels *LabelHead) error {
	cfg := m.cfg
	cfg.NF4 = quantise != nil
	if labels != nil {
		cfg.Labels, cfg.PAD = labels.Labels, labels.PAD
		if _, err := cfg.Classifier(); err != nil {
			return fmt.Errorf("save %s: %w", dir, err)
		}
	}
	if m.prefix != nil {
		return fmt.Errorf("save %s: the model carries a learned prefix, which a model folder has no place for; save the adapter alone", dir)
	}
	if err := m.Plain(); err != nil {
		return fmt.Errorf("save %s: %w", dir, err)
	}
	linears := map[string]*Linear{}
	for _, l := range m.Linears() {
		linears[l.W.Name] = l
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = compute.Recover(func() error { // a weight may be read now
			return checkpoint.WriteSafetensors(filepath.Join(dir, checkpoint.WeightsFile), m.tensors(dtype, linears, quantise, labels), nil)
		})
	}
	if err != nil {
		return fmt.Errorf("save the model: %w", err)
	}
	return checkpoint.WriteConfig(dir, cfg, dtype)
}

// tensors are the weights as they are stored; linears are layers by their
// weight's name.
func (m *Model) tensors(dtype string, linears map[string]*Linear, quantise func(l *Linear) *checkpoint.NF4, labels *LabelHead) []checkpoint.Tensor {
	var tensors []checkpoint.Tensor
	for _, p := range m.Params() {
		if labels != nil && (p == m.head.W && p != m.embed || p == m.head.B) {
			continue
		}
		name, l := m.layout.stored(p.Name), linears[p.Name]
		if l != nil && quantise != nil {
			tensors = append(tensors, quantise(l).Tensors(name)...)
			continue
		}
		t := checkpoint.Tensor{Name: name, DType: dtype, Shape: p.Shape(), Read: p.Data}
		if l != nil && m.layout.transposed {
			out, in := t.Shape[0], t.Shape[1]
			t.Read = func() []float32 { return transpose(p.Data(), out, in) }
			t.Shape = []int{in, out}
		}
		tensors = append(tensors, t)
	}
	if labels != nil {
		tensors = append(tensors, checkpoint.Tensor{Name: "score.weight", Shape: []int{len(labels.Labels), m.cfg.HiddenSize}, Data: labels.Score})
	}
	return tensors
}
