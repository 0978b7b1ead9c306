package main

import (
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/train/quant"
	"github.com/tunelab/tunelab/framework/tune"
)

// qlora trains LoRA adapters in float32 on a base in 4 bits.
type qlora struct{}

func (qlora) Describe() spec.Method {
	return spec.Method{
		Name: "qlora", Version: "0.1.0", Family: "peft",
		Summary:  "LoRA on every linear layer of a base model in 4 bits (NF4, double quantisation)",
		Citation: "Dettmers et al. 2023, QLoRA: Efficient Finetuning of Quantized LLMs, sections 3 and 4",
	}
}

func (qlora) Schema() spec.Schema {
	s := tune.LoRASchema()
	for i := range s.Params {
		if p := &s.Params[i]; p.Name == "target_modules" {
			p.Default, p.Source = []string{peft.AllLinear}, "Dettmers et al. 2023, section 4: adapters on every linear layer are needed to match full fine-tuning"
		}
	}
	return s
}

func (qlora) Attach(m *model.Model, r tune.Request) (tune.Attached, error) {
	c, err := tune.LoRAConfig(r.Params)
	if err != nil {
		return nil, err
	}
	total := m.ParamCount()
	q, err := quant.Freeze(m)
	if err != nil {
		return nil, err
	}
	l, err := tune.AttachLoRA(m, c, r.RNG)
	if err != nil {
		return nil, err
	}
	report(total, q, r)
	return l, nil
}

func (qlora) AttachEncoder(m *encoder.Classifier, r tune.Request) (tune.Attached, error) {
	c, err := tune.LoRAConfig(r.Params)
	if err != nil {
		return nil, err
	}
	total := m.Encoder().ParamCount()
	q, err := quant.Freeze(m.Encoder())
	if err != nil {
		return nil, err
	}
	l, err := tune.AttachEncoderLoRA(m, c, r.RNG)
	if err != nil {
		return nil, err
	}
	report(total, q, r)
	return l, nil
}

// report records what quantising a base of total weights did.
func report(total int64, q quant.Report, r tune.Request) {
	r.Metric("quant/bits_per_param", q.BitsPerParam())
	r.Metric("quant/params", float64(q.Params))
	r.Metric("quant/stored_bytes", float64(q.Stored))
	r.Metric("quant/base_bytes", float64(q.InUse+4*(total-q.Params)))
	r.Metric("quant/base_bytes_f32", float64(4*total))
}

// Restore quantises the base again, which gives the same codes, and loads the
// adapter onto it.
func (qlora) Restore(m *model.Model, _ spec.Params, dir string) (*model.Model, error) {
	if _, err := quant.Freeze(m); err != nil {
		return nil, err
	}
	_, err := peft.Load(m, dir)
	return m, err
}

func (qlora) RestoreEncoder(m *encoder.Classifier, _ spec.Params, dir string) (*encoder.Classifier, error) {
	if _, err := quant.Freeze(m.Encoder()); err != nil {
		return nil, err
	}
	_, err := tune.LoadEncoderLoRA(m, dir)
	return m, err
}
