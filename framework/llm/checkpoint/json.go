package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// ParseJSON is json.Unmarshal for a file of a model folder, with errors that
// say what is wrong with the file. A byte order mark is refused, as Python's
// json does.
func ParseJSON(raw []byte, v any) error {
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return errors.New("not valid JSON: the file begins with a byte order mark; save it as UTF-8 without one")
	}
	return JSONFault(json.Unmarshal(raw, v))
}

// JSONFault is an error of encoding/json without the names of Go's types: which
// field has what, and what was expected; nil for nil.
func JSONFault(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	var e *json.UnmarshalTypeError
	if !errors.As(err, &e) {
		if what, ours := strings.CutPrefix(fmt.Sprint(err), "json: "); ours {
			return errors.New(what)
		}
		return err
	}
	fault := fmt.Errorf("found %s, expected %s", article(e.Value), article(kindName(e.Type)))
	if e.Field != "" {
		return fmt.Errorf("%s: %w", e.Field, fault)
	}
	return fault
}

func article(noun string) string {
	if strings.HasPrefix(noun, "number ") || strings.HasPrefix(noun, "true") {
		return noun
	}
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// kindName is what a value of the type is called in JSON.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindName(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint64, reflect.Uint32:
		return "integer"
	case reflect.Float64, reflect.Float32:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Slice, reflect.Array:
		return "array"
	}
	return "object"
}
