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

func (f *configFields) int(name string, otherwise int) int {
	v := decodeField(f, name, float64(otherwise))
	if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
		f.fail(name, fmt.Sprintf("%g is not a size", v))
		return 0
	}
	return int(v)
}

// id reads an optional token id, -1 when absent.
func (f *configFields) id(name string) int { return f.int(name, -1) }

// ids reads an optional token id or list of them.
func (f *configFields) ids(name string) []int {
	raw, ok := f.get(name)
	if !ok {
		return nil
	}
	if raw[0] == '[' {
		return decodeField[[]int](f, name, nil)
	}
	return []int{f.int(name, -1)}
}

// only refuses any value but the one supported.
func (f *configFields) only(name, otherwise, supported string) {
	if v := f.str(name, otherwise); v != supported {
		f.fail(name, fmt.Sprintf("%q is not supported; only %q is", v, supported))
	}
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
