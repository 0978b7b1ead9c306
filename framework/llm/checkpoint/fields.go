package checkpoint

import (
	"encoding/json"
	"fmt"
	"math"
)

// configFields reads single fields of a config.json; null counts as absent,
// and the first mistake is kept with the field's path.
type configFields struct {
	m      map[string]json.RawMessage
	prefix string
	layers int // decoder blocks, once they are known
	err    error
}

func (f *configFields) fail(name, what string) {
	if f.err == nil {
		f.err = fmt.Errorf("%s%s: %s", f.prefix, name, what)
	}
}

func (f *configFields) get(name string) (json.RawMessage, bool) {
	raw, ok := f.m[name]
	return raw, ok && string(raw) != "null"
}

func decodeField[T any](f *configFields, name string, otherwise T) T {
	raw, ok := f.get(name)
	if !ok {
		return otherwise
	}
	v := otherwise
	if err := json.Unmarshal(raw, &v); err != nil {
		f.fail(name, fmt.Sprintf("got %s, expected %T", raw, otherwise))
	}
	return v
}

func (f *configFields) str(name, otherwise string) string { return decodeField(f, name, otherwise) }
func (f *configFields) flag(name string, otherwise bool) bool {
	return decodeField(f, name, otherwise)
}
func (f *configFields) num(name string, otherwise float64) float64 {
	return decodeField(f, name, otherwise)
}

// positive refuses zero, negative numbers and NaN.
func (f *configFields) positive(name string, otherwise float64) float64 {
	v := f.num(name, otherwise)
	if !(v > 0) {
		f.fail(name, fmt.Sprintf("%g is not positive", v))
	}
	return v
}

func (f *configFields) int(name string, otherwise int) int {
	v := decodeField(f, name, float64(otherwise))
	if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
		f.fail(name, fmt.Sprintf("%g is not a size", v))
		return 0
	}
	return int(v)
}

// id reads an optional token id: -1 when null or negative.
func (f *configFields) id(name string, otherwise int) int {
	if f.off(name) {
		return -1
	}
	return max(f.int(name, otherwise), -1)
}

// ids reads an optional token id or list of them: none when null.
func (f *configFields) ids(name string, otherwise int) []int {
	if raw, ok := f.get(name); ok && raw[0] == '[' {
		return decodeField[[]int](f, name, nil)
	}
	if id := f.id(name, otherwise); id >= 0 {
		return []int{id}
	}
	return nil
}

// off says that a field is there and null.
func (f *configFields) off(name string) bool {
	raw, ok := f.m[name]
	return ok && string(raw) == "null"
}

func (f *configFields) mustBe(name string, v bool) {
	if f.flag(name, v) != v {
		f.fail(name, fmt.Sprintf("%t is not supported", !v))
	}
}

func (f *configFields) refuse(name, instead string) {
	if _, ok := f.get(name); ok {
		f.fail(name, "is not supported; "+instead)
	}
}

func quotient(a, b int) int {
	if b <= 0 {
		return 0
	}
	return a / b
}
