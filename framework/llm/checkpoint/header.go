package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"sort"
)

// maxHeader is the specification's limit on a header, in bytes.
const maxHeader = 100_000_000

// Info describes one stored tensor.
type Info struct {
	Name  string
	DType string // "F32", "BF16", "U8", ... as the specification names them
	Shape []int

	begin, end int64 // within the data section
}

// Elements is the product of the shape; 1 for a scalar.
func (t Info) Elements() int64 {
	n := int64(1)
	for _, d := range t.Shape {
		n *= int64(d)
	}
	return n
}

// damaged says what is wrong with a file.
func damaged(path, format string, a ...any) error {
	return fmt.Errorf("%s: %s; download or save the file again", path, fmt.Sprintf(format, a...))
}

// parseHeader checks the header of a safetensors file whole: sizes, duplicate
// names, element types, shapes against byte ranges, and that the ranges cover
// the data section, of dataLen bytes, without a gap or an overlap.
func parseHeader(path string, raw []byte, dataLen int64) (tensors []Info, meta map[string]string, err error) {
	fail := func(format string, a ...any) ([]Info, map[string]string, error) {
		return nil, nil, damaged(path, format, a...)
	}
	fields, err := objectFields(raw)
	if err != nil {
		return fail("header is not valid JSON: %v", err)
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.key] {
			return fail("tensor %q stands twice in the header", f.key)
		}
		seen[f.key] = true
		if f.key == "__metadata__" {
			if err := json.Unmarshal(f.value, &meta); err != nil {
				return fail("__metadata__ must hold strings only: %v", err)
			}
			continue
		}
		t, err := parseTensor(f.key, f.value, dataLen)
		if err != nil {
			return fail("tensor %q: %v", f.key, err)
		}
		tensors = append(tensors, t)
	}
	sort.Slice(tensors, func(i, j int) bool {
		a, b := tensors[i], tensors[j]
		if a.begin != b.begin {
			return a.begin < b.begin
		}
		if a.end != b.end {
			return a.end < b.end
		}
		return a.Name < b.Name
	})
	at, prev := int64(0), ""
	for _, t := range tensors {
		switch {
		case t.begin < at:
			return fail("tensor %q: its bytes from %d overlap those of %q, which end at %d", t.Name, t.begin, prev, at)
		case t.begin > at:
			return fail("tensor %q: begins at %d and leaves a gap from %d", t.Name, t.begin, at)
		}
		at, prev = t.end, t.Name
	}
	if at != dataLen {
		return fail("the tensors end at byte %d of the data section, which has %d", at, dataLen)
	}
	return tensors, meta, nil
}

func parseTensor(name string, raw []byte, dataLen int64) (Info, error) {
	var h struct {
		DType   *string `json:"dtype"`
		Shape   []int64 `json:"shape"`
		Offsets []int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return Info{}, err
	}
	if h.DType == nil || h.Shape == nil || len(h.Offsets) != 2 {
		return Info{}, fmt.Errorf("needs dtype, shape and two data_offsets")
	}
	size, ok := dtypeSize[*h.DType]
	if !ok {
		return Info{}, fmt.Errorf("unsupported dtype %q", *h.DType)
	}
	t := Info{Name: name, DType: *h.DType, begin: h.Offsets[0], end: h.Offsets[1]}
	want := size
	for _, d := range h.Shape {
		if d < 0 || d > math.MaxInt32 || (d > 0 && want > math.MaxInt64/d) {
			return Info{}, fmt.Errorf("shape %v has a dimension out of range", h.Shape)
		}
		want *= d
		t.Shape = append(t.Shape, int(d))
	}
	if t.begin < 0 || t.end < t.begin {
		return Info{}, fmt.Errorf("data_offsets %v are out of order", h.Offsets)
	}
	if t.end > dataLen {
		return Info{}, fmt.Errorf("ends at byte %d but the file has only %d bytes of data: it is truncated", t.end, dataLen)
	}
	if t.end-t.begin != want {
		return Info{}, fmt.Errorf("shape %v of %s needs %d bytes, data_offsets hold %d", h.Shape, t.DType, want, t.end-t.begin)
	}
	return t, nil
}

type field struct {
	key   string
	value json.RawMessage
}

// objectFields splits a JSON object into its fields in file order, keeping
// duplicates, which encoding/json would merge silently.
func objectFields(raw []byte) ([]field, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if tok != json.Delim('{') {
		return nil, fmt.Errorf("expected an object, found %v", tok)
	}
	var out []field
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var f field
		f.key = key.(string) // the decoder allows nothing else here
		if err := dec.Decode(&f.value); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, err
	}
	if rest := bytes.TrimSpace(raw[dec.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the object", len(rest))
	}
	return out, nil
}
