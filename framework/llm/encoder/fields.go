package encoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// fields reads single fields of a config.json; null counts as absent, and the
// first mistake is kept with the field's path.
type fields struct {
	m      map[string]json.RawMessage
	prefix string
	err    error
}

func (f *fields) fail(name, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%s%s: %s", f.prefix, name, fmt.Sprintf(format, args...))
	}
}

func (f *fields) has(name string) bool {
	raw, ok := f.m[name]
	return ok && string(raw) != "null"
}

func decode[T any](f *fields, name string, otherwise T) T {
	if !f.has(name) {
		return otherwise
	}
	v := otherwise
	if err := json.Unmarshal(f.m[name], &v); err != nil {
		f.fail(name, "got %s, expected %T", f.m[name], otherwise)
	}
	return v
}

func (f *fields) str(name, otherwise string) string          { return decode(f, name, otherwise) }
func (f *fields) flag(name string, otherwise bool) bool      { return decode(f, name, otherwise) }
func (f *fields) num(name string, otherwise float64) float64 { return decode(f, name, otherwise) }

// size reads a whole number.
func (f *fields) size(name string, otherwise int) int {
	v := decode(f, name, float64(otherwise))
	if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 {
		f.fail(name, "%g is not a size", v)
		return 0
	}
	return int(v)
}

// object reads a field that is an object; empty where there is none.
func (f *fields) object(name string) *fields {
	return &fields{prefix: f.prefix + name + ".", m: decode(f, name, map[string]json.RawMessage{})}
}

func (f *fields) mustBe(name string, v any) {
	want, err := json.Marshal(v)
	if f.has(name) && (err != nil || string(f.m[name]) != string(want)) {
		f.fail(name, "%s is not supported, only %s", f.m[name], want)
	}
}

// refuse names a field that must be absent, or off: null, false, {} or [].
func (f *fields) refuse(name, instead string) {
	if f.has(name) {
		switch string(f.m[name]) {
		case "false", "{}", "[]":
		default:
			f.fail(name, "is not supported; %s", instead)
		}
	}
}

// readFields reads a JSON file whose absence leaves everything at its default.
func readFields(path string) (*fields, error) {
	f := &fields{prefix: path + ": "}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	} else if err != nil {
		return nil, err
	}
	if err := checkpoint.ParseJSON(raw, &f.m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
