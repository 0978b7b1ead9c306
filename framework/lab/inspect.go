package lab

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/peft"
	"github.com/tunelab/tunelab/framework/train/quant"
)

// ModelInfo is what a model folder holds.
type ModelInfo struct {
	Family     string             `json:"family"`
	SHA256     string             `json:"sha256"` // as in a run's row
	Params     int64              `json:"params"` // tied weights once
	Modules    []ModuleInfo       `json:"modules"`
	WeightMiB  map[string]float64 `json:"weight_mib"`  // by form of the weights: f32, bf16, nf4
	MethodMiB  map[string]float64 `json:"method_mib"`  // weights, gradients and AdamW's moments, by method; activations come on top
	AllLinear  []string           `json:"all_linear"`  // what the target all-linear adapts
	LoRATarget []string           `json:"lora_target"` // PEFT's default for the family
}

// ModuleInfo is one module with weights.
type ModuleInfo struct {
	Name   string `json:"name"`
	Params int64  `json:"params"`
	Shape  []int  `json:"shape"` // of its weight, as computed with: [out, in] of a linear layer
}

const mib = 1 << 20

// weighted is a decoder or an encoder.
type weighted interface {
	Family() string
	Params() []*autograd.Param
	ParamCount() int64
	Linears() []*model.Linear
	Free()
}

func openWeights(dir string, e compute.Engine) (weighted, error) {
	if is, err := encoder.In(dir); err != nil {
		return nil, err
	} else if is {
		return encoder.Load(dir, e, encoder.Options{Frozen: true})
	}
	return model.Load(dir, e, model.Options{Frozen: true})
}

// Inspect reads a model's architecture and weights.
func (ms Models) Inspect(ctx context.Context, name string) (*ModelInfo, error) {
	dir, err := ms.Dir(ctx, name)
	if err != nil {
		return nil, err
	}
	e, err := compute.Open("cpu", 1)
	if err != nil {
		return nil, err
	}
	defer compute.Close(e)
	m, err := openWeights(dir, e)
	if err != nil {
		return nil, err
	}
	defer m.Free()
	info := &ModelInfo{Family: m.Family(), Params: m.ParamCount(), LoRATarget: peft.DefaultTargets(m.Family())}
	if info.SHA256, _, err = checkpoint.HashDir(dir); err != nil {
		return nil, err
	}
	info.modules(m)
	linear, rank8 := int64(0), int64(0)
	for _, l := range m.Linears() {
		info.AllLinear = append(info.AllLinear, l.Name)
		linear += int64(l.Out) * int64(l.In)
		rank8 += 8 * int64(l.Out+l.In)
	}
	n := info.Params
	nf4 := float64(linear)*nf4Bits/8 + 4*float64(n-linear)
	info.WeightMiB = map[string]float64{"f32": 4 * float64(n) / mib, "bf16": 2 * float64(n) / mib, "nf4": nf4 / mib}
	info.MethodMiB = map[string]float64{
		"full":                       16 * float64(n) / mib,
		"lora (r 8, all-linear)":     (4*float64(n) + 16*float64(rank8)) / mib,
		"qlora (r 8, all-linear)":    (nf4 + 16*float64(rank8)) / mib,
		"icl, cot, feature, scoring": 4 * float64(n) / mib,
	}
	return info, nil
}

// nf4Bits is what a weight takes in NF4 with nested scales (Dettmers et al. 2023,
// section 3): 4 bits, 8 for 64 weights, 32 for 256 of those.
const nf4Bits = 4 + 8.0/64 + 32.0/64/256

func (info *ModelInfo) modules(m weighted) {
	defer func() {
		for _, l := range m.Linears() { // stored in 4 bits, they are no parameters
			if l.Frozen != nil {
				info.Modules = append(info.Modules, ModuleInfo{Name: l.Name, Params: int64(l.Out) * int64(l.In), Shape: []int{l.Out, l.In}})
			}
		}
	}()
	at := map[string]int{}
	for _, p := range m.Params() {
		name, isBias := moduleOf(p.Name)
		i, seen := at[name]
		if !seen {
			i = len(info.Modules)
			at[name] = i
			info.Modules = append(info.Modules, ModuleInfo{Name: name})
		}
		mod := &info.Modules[i]
		mod.Params += int64(p.Len())
		if !isBias {
			mod.Shape = p.Shape()
		}
	}
}

// moduleOf is the module that a parameter belongs to.
func moduleOf(param string) (name string, bias bool) {
	for _, end := range []string{".weight", ".bias"} {
		if n := len(param) - len(end); n > 0 && param[n:] == end {
			return param[:n], end == ".bias"
		}
	}
	return param, false
}

// NF4Info is a tensor in NF4, blocks of 64, before double quantisation.
type NF4Info struct {
	Tensor      string `json:"tensor"`
	Shape       []int  `json:"shape"` // as stored
	Packed      string `json:"packed_sha256"`
	Dequantised string `json:"dequantised_sha256"` // float32, little-endian, row-major, by the first-level absmax
}

// InspectNF4 quantises one stored tensor of a model folder, as bitsandbytes does.
func (ms Models) InspectNF4(ctx context.Context, name, tensor string) (*NF4Info, error) {
	dir, err := ms.Dir(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := checkpoint.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	in, ok := r.Info(tensor)
	if !ok {
		return nil, fmt.Errorf("%s: has no tensor %q; tunelab weights --model lists them", dir, tensor)
	}
	values, err := r.Float32(tensor, in.Shape...)
	if err != nil {
		return nil, err
	}
	w := quant.Quantise(values)
	h := sha256.New()
	for _, v := range w.Dequantise() {
		h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	packed := sha256.Sum256(w.Codes)
	return &NF4Info{Tensor: tensor, Shape: in.Shape, Packed: hex.EncodeToString(packed[:]), Dequantised: hex.EncodeToString(h.Sum(nil))}, nil
}
