package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
)

// Fields reads single fields of a config.json or another object in JSON. null
// counts as absent: a field that is absent has the default that is given with its
// name. The first mistake is kept with the field's path (Err), and what is read
// after it means nothing.
type Fields struct {
	m      map[string]json.RawMessage
	prefix string // before names in messages
	layers int    // decoder blocks, once they are known
	err    error
}

// ParseFields reads the text of an object.
func ParseFields(raw []byte) (*Fields, error) {
	f := &Fields{}
	if err := ParseJSON(raw, &f.m); err != nil {
		return nil, err
	}
	return f, nil
}

// ReadFields reads a file whose absence leaves every field at its default.
// Mistakes are named with its path.
func ReadFields(path string) (*Fields, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Fields{}, nil
	} else if err != nil {
		return nil, err
	}
	f, err := ParseFields(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.prefix = path + ": "
	return f, nil
}

// Err is the first mistake; nil: none so far.
func (f *Fields) Err() error { return f.err }

// Fail says what is wrong with a field.
func (f *Fields) Fail(name, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%s%s: %s", f.prefix, name, fmt.Sprintf(format, args...))
	}
}

// Names are the fields that are there, sorted.
func (f *Fields) Names() []string { return slices.Sorted(maps.Keys(f.m)) }

// Get is a field's text.
func (f *Fields) Get(name string) (json.RawMessage, bool) {
	raw, ok := f.m[name]
	return raw, ok && string(raw) != "null"
}

// Null says that a field is there and null.
func (f *Fields) Null(name string) bool {
	raw, ok := f.m[name]
	return ok && string(raw) == "null"
}

// DecodeField reads a field of otherwise's type.
func DecodeField[T any](f *Fields, name string, otherwise T) T {
	raw, ok := f.Get(name)
	if !ok {
		return otherwise
	}
	v := otherwise
	if err := json.Unmarshal(raw, &v); err != nil {
		f.Fail(name, "got %s, expected %T", raw, otherwise)
	}
	return v
}

// Str reads a string.
func (f *Fields) Str(name, otherwise string) string { return DecodeField(f, name, otherwise) }

// Flag reads true or false.
func (f *Fields) Flag(name string, otherwise bool) bool { return DecodeField(f, name, otherwise) }

// Num reads a number.
func (f *Fields) Num(name string, otherwise float64) float64 { return DecodeField(f, name, otherwise) }

// Int reads a whole number, which may be written as 5.0.
func (f *Fields) Int(name string, otherwise int) int {
	v := DecodeField(f, name, float64(otherwise))
	if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
		f.Fail(name, "%g is not a size", v)
		return 0
	}
	return int(v)
}

// ID reads an optional token id: -1 when null or negative.
func (f *Fields) ID(name string, otherwise int) int {
	if f.Null(name) {
		return -1
	}
	return max(f.Int(name, otherwise), -1)
}

// Object reads a field that is an object; empty where there is none. Its
// mistakes are its own until Adopt.
func (f *Fields) Object(name string) *Fields {
	sub := &Fields{prefix: f.prefix + name + ".", layers: f.layers}
	if raw, ok := f.Get(name); ok {
		if err := json.Unmarshal(raw, &sub.m); err != nil {
			f.Fail(name, "must be an object: %v", err)
		}
	}
	return sub
}

// Adopt keeps the first mistake of a part.
func (f *Fields) Adopt(sub *Fields) {
	if f.err == nil {
		f.err = sub.err
	}
}

// MustBe refuses every other value of a field.
func (f *Fields) MustBe(name string, v any) {
	want, err := json.Marshal(v)
	if raw, ok := f.Get(name); ok && (err != nil || string(raw) != string(want)) {
		f.Fail(name, "%s is not supported, only %s", raw, want)
	}
}

// Refuse names a field that must be absent, or off: null, false, {} or [].
func (f *Fields) Refuse(name, instead string) {
	if raw, ok := f.Get(name); ok && !slices.Contains([]string{"false", "{}", "[]"}, string(raw)) {
		f.Fail(name, "is not supported; %s", instead)
	}
}

// positive refuses zero, negative numbers and NaN.
func (f *Fields) positive(name string, otherwise float64) float64 {
	v := f.Num(name, otherwise)
	if !(v > 0) {
		f.Fail(name, "%g is not positive", v)
	}
	return v
}

// ids reads an optional token id or list of them: none when null.
func (f *Fields) ids(name string, otherwise int) []int {
	if raw, ok := f.Get(name); ok && raw[0] == '[' {
		return DecodeField[[]int](f, name, nil)
	}
	if id := f.ID(name, otherwise); id >= 0 {
		return []int{id}
	}
	return nil
}

func quotient(a, b int) int {
	if b <= 0 {
		return 0
	}
	return a / b
}
