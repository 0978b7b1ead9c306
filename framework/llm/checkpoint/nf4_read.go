package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
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
	w, err := r.checkNF4(name, out, in)
	if err != nil {
		return nil, err
	}
	whole, err := w.withScales()
	if err != nil {
		return nil, err
	}
	whole.Codes = make([]byte, w.codes.end-w.codes.begin)
	return &whole, w.codes.file.read(whole.Codes, w.codes.begin)
}

// NF4Filler is NF4 put off, as Filler is Float32: it checks all of the weight and
// reads what the codes stand for; what else it returns writes the codes and the
// scales (NF4.Scales) for as long as the Reader is not closed.
func (r *Reader) NF4Filler(name string, out, in int) (book []float32, codes func(dst []byte) error, scales func(dst []float32) error, err error) {
	w, err := r.checkNF4(name, out, in)
	if err != nil {
		return nil, nil, nil, err
	}
	codes = func(dst []byte) error { return w.codes.file.read(dst, w.codes.begin) }
	scales = func(dst []float32) error {
		whole, err := w.withScales()
		copy(dst, whole.Scales())
		return err
	}
	return w.Map, codes, scales, nil
}

// storedNF4 is a weight whose codes and scales are checked and still in the file.
type storedNF4 struct {
	NF4                                 // the rest
	codes, nested stored                // nested: codes of the scales
	floats        int                   // scales, or scales of nested ones
	fill          func([]float32) error // writes those
}

func (s *storedNF4) withScales() (NF4, error) {
	w, floats := s.NF4, make([]float32, s.floats)
	if err := s.fill(floats); err != nil {
		return NF4{}, err
	}
	if w.Nested == nil {
		w.Absmax = floats
		return w, nil
	}
	w.Nested = &NestedNF4{Codes: make([]byte, s.nested.end-s.nested.begin), Absmax: floats, Map: w.Nested.Map, Offset: w.Nested.Offset}
	if err := s.nested.file.read(w.Nested.Codes, s.nested.begin); err != nil {
		return NF4{}, err
	}
	return w, nil
}

func (r *Reader) checkNF4(name string, out, in int) (*storedNF4, error) {
	if _, err := r.typed("U8", name+nf4State); err != nil {
		return nil, err
	}
	raw, err := r.Bytes(name + nf4State)
	if err != nil {
		return nil, err
	}
	s, err := readState(raw)
	if err != nil {
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
	if n <= 0 || n/out != in {
		return nil, fmt.Errorf("%s: tensor %q: shape %v is out of range", r.where, name+nf4State, s.Shape)
	}
	blocks := (n + nf4Block - 1) / nf4Block
	w := &storedNF4{NF4: NF4{Out: out, In: in}, floats: blocks}
	if w.codes, err = r.typed("U8", name, (n+1)/2, 1); err != nil {
		return nil, err
	}
	if w.Map, err = r.Float32(name+".quant_map", 16); err != nil {
		return nil, err
	}
	if !nested {
		w.fill, err = r.Filler(name+".absmax", blocks)
		return w, err
	}
	w.Nested, w.floats = &NestedNF4{Offset: float32(*s.NestedOffset)}, (blocks+nestedBlock-1)/nestedBlock
	if w.nested, err = r.typed("U8", name+".absmax", blocks); err != nil {
		return nil, err
	}
	if w.fill, err = r.Filler(name+".nested_absmax", w.floats); err != nil {
		return nil, err
	}
	w.Nested.Map, err = r.Float32(name+".nested_quant_map", 256)
	return w, err
}

// maxState is many times what the record takes, in bytes.
const maxState = 4096

func readState(raw []byte) (s state, err error) {
	if len(raw) > maxState {
		return s, fmt.Errorf("%d bytes are too many", len(raw))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return s, errors.New("something follows the object")
	}
	if o := s.NestedOffset; o != nil && math.IsInf(float64(float32(*o)), 0) {
		return s, fmt.Errorf("nested_offset %g is no float32", *o)
	}
	return s, nil
}

// typed is a tensor, in the file, that must be of a dtype.
func (r *Reader) typed(dtype, name string, shape ...int) (stored, error) {
	if info, ok := r.Info(name); ok && info.DType != dtype {
		return stored{}, fmt.Errorf("%s: tensor %q has dtype %s, expected %s", r.where, name, info.DType, dtype)
	}
	return r.get(name, shape)
}
