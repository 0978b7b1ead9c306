package checkpoint

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// state is the record, JSON in a tensor of bytes.
type state struct {
	QuantType    string   `json:"quant_type"`
	BlockSize    int      `json:"blocksize"`
	DType        string   `json:"dtype"` // of the weight before: no part of the codes
	Shape        []int    `json:"shape"`
	NestedBlock  *int     `json:"nested_blocksize"`
	NestedDType  *string  `json:"nested_dtype"`
	NestedOffset *float64 `json:"nested_offset"`
}

// NF4Parts are the names of the tensors that belong to a weight in NF4 beside
// its codes; none: it isn't in NF4.
func (r *Reader) NF4Parts(name string) []string {
	if _, ok := r.tensors[name+nf4State]; !ok {
		return nil
	}
	out := []string{name + ".absmax", name + ".quant_map", name + nf4State}
	if r.tensors[name+".absmax"].DType == "U8" {
		out = append(out, name+".nested_absmax", name+".nested_quant_map")
	}
	return out
}

// NF4 reads the weight of that name, [out,in], strictly.
func (r *Reader) NF4(name string, out, in int) (*NF4, error) {
	m, err := r.mapNF4(name, out, in)
	if err != nil {
		return nil, err
	}
	w := m.withScales()
	w.Codes = slices.Clone(m.codes)
	runtime.KeepAlive(r)
	return &w, nil
}

// NF4Filler is NF4 put off, as Filler is Float32: it checks all of the weight and
// reads what the codes stand for; what else it returns writes the codes and the
// scales (NF4.Scales) for as long as the Reader is not closed.
func (r *Reader) NF4Filler(name string, out, in int) (book []float32, codes func(dst []byte), scales func(dst []float32), err error) {
	m, err := r.mapNF4(name, out, in)
	if err != nil {
		return nil, nil, nil, err
	}
	codes = func(dst []byte) {
		copy(dst, m.codes)
		runtime.KeepAlive(r) // see CloseWhenUnused
	}
	scales = func(dst []float32) {
		w := m.withScales()
		copy(dst, w.Scales())
		runtime.KeepAlive(r)
	}
	return m.Map, codes, scales, nil
}

// mappedNF4 is a weight whose codes and scales are checked and still in the file.
type mappedNF4 struct {
	NF4                           // the rest
	codes, nested []byte          // mapped; nested: codes of the scales
	floats        int             // scales, or scales of nested ones
	fill          func([]float32) // writes those
}

func (m *mappedNF4) withScales() NF4 {
	w, floats := m.NF4, make([]float32, m.floats)
	m.fill(floats)
	if w.Nested == nil {
		w.Absmax = floats
	} else {
		w.Nested = &NestedNF4{Codes: slices.Clone(m.nested), Absmax: floats, Map: w.Nested.Map, Offset: w.Nested.Offset}
	}
	return w
}

func (r *Reader) mapNF4(name string, out, in int) (*mappedNF4, error) {
	raw, err := r.Bytes(name + nf4State)
	if err != nil {
		return nil, err
	}
	var s state
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("%s: tensor %q: not the record that bitsandbytes writes: %w", r.where, name+nf4State, err)
	}
	nested := s.NestedBlock != nil
	switch {
	case s.QuantType != "nf4", s.BlockSize != nf4Block, !slices.Contains([]string{"float32", "float16", "bfloat16"}, s.DType),
		nested && (*s.NestedBlock != nestedBlock || s.NestedOffset == nil || s.NestedDType == nil || *s.NestedDType != "float32"):
		return nil, fmt.Errorf("%s: tensor %q: %s is not supported, only nf4 in blocks of %d with scales in float32 or nested in blocks of %d", r.where, name+nf4State, raw, nf4Block, nestedBlock)
	case !slices.Equal(s.Shape, []int{out, in}):
		return nil, fmt.Errorf("%s: tensor %q says shape %v, expected [%d %d]: the weights and the configuration do not belong together", r.where, name+nf4State, s.Shape, out, in)
	}
	n := out * in
	blocks := (n + nf4Block - 1) / nf4Block
	m := &mappedNF4{NF4: NF4{Out: out, In: in}, floats: blocks}
	if m.codes, err = r.mapped("U8", name, (n+1)/2, 1); err != nil {
		return nil, err
	}
	if m.Map, err = r.Float32(name+".quant_map", 16); err != nil {
		return nil, err
	}
	if !nested {
		m.fill, err = r.Filler(name+".absmax", blocks)
		return m, err
	}
	m.Nested, m.floats = &NestedNF4{Offset: float32(*s.NestedOffset)}, (blocks+nestedBlock-1)/nestedBlock
	if m.nested, err = r.mapped("U8", name+".absmax", blocks); err != nil {
		return nil, err
	}
	if m.fill, err = r.Filler(name+".nested_absmax", m.floats); err != nil {
		return nil, err
	}
	m.Nested.Map, err = r.Float32(name+".nested_quant_map", 256)
	return m, err
}

// mapped are the bytes of a tensor of a dtype, in the file.
func (r *Reader) mapped(dtype, name string, shape ...int) ([]byte, error) {
	if info, ok := r.Info(name); ok && info.DType != dtype {
		return nil, fmt.Errorf("%s: tensor %q has dtype %s, expected %s", r.where, name, info.DType, dtype)
	}
	t, err := r.get(name, shape)
	return t.data, err
}
