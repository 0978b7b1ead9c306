package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

// NF4 is a matrix in 4 bits as bitsandbytes stores it beside its name
// (functional.py, QuantState.as_dict with packed=True; nn/modules.py,
// Linear4bit): packed codes, a scale for each block of 64 values, and a record
// of the rest. With double quantisation the scales are 8-bit codes themselves.
type NF4 struct {
	Out, In int
	Codes   []byte    // (Out*In+1)/2: two codes a byte, the first in the high nibble
	Map     []float32 // 16 values: what the codes stand for
	Absmax  []float32 // scale of each block of 64; nil where Nested is not
	Nested  *NestedNF4
}

// NestedNF4 are scales in 8 bits: Map[Codes[i]] * Absmax[i/256] + Offset.
type NestedNF4 struct {
	Codes  []byte
	Absmax []float32
	Map    []float32 // 256 values
	Offset float32
}

const (
	nf4Block    = 64
	nestedBlock = 256
	nf4State    = ".quant_state.bitsandbytes__nf4"
)

// Scales are those of the blocks, restored from the nested form where there is
// one, with the roundings of bitsandbytes (functional.py, dequantize_4bit).
func (w *NF4) Scales() []float32 {
	if w.Nested == nil {
		return w.Absmax
	}
	n := w.Nested
	out := make([]float32, len(n.Codes))
	for i, c := range n.Codes {
		out[i] = float32(n.Map[c]*n.Absmax[i/nestedBlock]) + n.Offset
	}
	return out
}

// Tensors are what is stored of the weight under a name.
func (w *NF4) Tensors(name string) []Tensor {
	s := fmt.Sprintf(`{"quant_type": "nf4", "blocksize": %d, "dtype": "float32", "shape": [%d, %d]`, nf4Block, w.Out, w.In)
	out := []Tensor{{Name: name, DType: "U8", Shape: []int{len(w.Codes), 1}, Raw: w.Codes}}
	floats := func(end string, v []float32) {
		raw := make([]byte, 0, 4*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		out = append(out, Tensor{Name: name + end, Shape: []int{len(v)}, Raw: raw})
	}
	if n := w.Nested; n != nil {
		s += fmt.Sprintf(`, "nested_blocksize": %d, "nested_dtype": "float32", "nested_offset": %v`, nestedBlock, float64(n.Offset))
		out = append(out, Tensor{Name: name + ".absmax", DType: "U8", Shape: []int{len(n.Codes)}, Raw: n.Codes})
		floats(".nested_absmax", n.Absmax)
		floats(".nested_quant_map", n.Map)
	} else {
		floats(".absmax", w.Absmax)
	}
	floats(".quant_map", w.Map)
	s += "}"
	return append(out, Tensor{Name: name + nf4State, DType: "U8", Shape: []int{len(s)}, Raw: []byte(s)})
}

// NF4 reads config.json's quantization_config, of which NF4 by bitsandbytes is
// supported (transformers, BitsAndBytesConfig).
func (f *Fields) NF4() bool {
	if _, ok := f.Get("quantization_config"); !ok {
		return false
	}
	q := f.Object("quantization_config")
	if q.Flag("load_in_8bit", false) { // whose record names a 4-bit type all the same
		q.Fail("load_in_8bit", "true is not supported, only NF4; load the unquantised model")
	}
	for _, want := range []struct{ name, value string }{{"quant_method", "bitsandbytes"}, {"bnb_4bit_quant_type", "nf4"}, {"bnb_4bit_quant_storage", "uint8"}} {
		if v := q.Str(want.name, ""); v != want.value {
			q.Fail(want.name, "%q is not supported, only %q; or load the unquantised model", v, want.value)
		}
	}
	if !q.Flag("load_in_4bit", false) {
		q.Fail("load_in_4bit", "false is not supported; load the unquantised model")
	}
	f.Adopt(q)
	return true
}

// nf4Config is what transformers asks for to load such a folder.
var nf4Config = map[string]any{
	"quant_method": "bitsandbytes", "load_in_4bit": true, "load_in_8bit": false, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": true,
	"bnb_4bit_quant_storage": "uint8", "bnb_4bit_compute_dtype": "float32",
}
