package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

// readParquet reads all row groups of a Parquet file. Byte arrays must be
// UTF-8; dates and times stay the integers that the file stores; NaN, which
// data frames write for a missing number, becomes null, and so do the
// infinities, which JSON lacks.
func readParquet(path string, raw []byte) (rows []Row, err error) {
	defer func() {
		if r := recover(); r != nil { // the library panics on some broken pages
			rows, err = nil, fmt.Errorf("%s: the Parquet file is damaged after row %d: %v", path, len(rows), r)
		}
	}()
	f, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fmt.Errorf("%s: not a whole Parquet file: %w", path, err)
	}
	schema := f.Schema()
	buf := make([]parquet.Row, 64)
	for _, group := range f.RowGroups() {
		if rows, err = readGroup(path, rows, group, schema, buf); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func readGroup(path string, rows []Row, group parquet.RowGroup, schema *parquet.Schema, buf []parquet.Row) ([]Row, error) {
	r := group.Rows()
	defer r.Close()
	for {
		n, err := r.ReadRows(buf)
		for _, pr := range buf[:n] {
			at := len(rows) + 1
			record := map[string]any{}
			if err := schema.Reconstruct(&record, pr); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, at, err)
			}
			value, err := plainValue(reflect.ValueOf(record))
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, at, err)
			}
			rows = append(rows, Row{Fields: value.(map[string]any), File: path, Line: at})
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: after row %d: %w", path, len(rows), err)
		}
	}
}

// plainValue turns a Go value as Parquet gives it into what JSON would give.
func plainValue(v reflect.Value) (any, error) {
	switch x := v.Interface().(type) {
	case deprecated.Int96:
		return nil, fmt.Errorf("a column of the deprecated type INT96; write it as a timestamp or text")
	case []byte:
		if !utf8.Valid(x) {
			return nil, fmt.Errorf("a byte array that is not UTF-8 text; leave such a column (images, audio) out of the file")
		}
		return string(x), nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		return plainValue(v.Elem())
	case reflect.Struct:
		return plainStruct(v)
	case reflect.Slice, reflect.Array:
		out := make([]any, v.Len())
		for i := range out {
			e, err := plainValue(v.Index(i))
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			out[i] = e
		}
		return out, nil
	case reflect.Map:
		out := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			e, err := plainValue(it.Value())
			if err != nil {
				return nil, fmt.Errorf("key %v: %w", it.Key(), err)
			}
			out[fmt.Sprint(it.Key())] = e
		}
		return out, nil
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return json.Number(strconv.FormatInt(v.Int(), 10)), nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return json.Number(strconv.FormatUint(v.Uint(), 10)), nil
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, nil
		}
		return json.Number(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())), nil
	}
	return nil, fmt.Errorf("a Parquet value of type %s is not supported", v.Type())
}

// plainStruct is a group as an object. The three-level LIST encoding
// (parquet-format, LogicalTypes.md), a group around a repeated group around
// the element, becomes the plain list.
func plainStruct(v reflect.Value) (any, error) {
	out := map[string]any{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("parquet"), ",")
		if name == "" {
			name = v.Type().Field(i).Name
		}
		e, err := plainValue(v.Field(i))
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		out[name] = e
	}
	if len(out) != 1 {
		return out, nil
	}
	for _, outer := range []string{"list", "bag"} {
		list, ok := out[outer].([]any)
		if !ok {
			continue
		}
		for i, e := range list {
			wrapped, ok := e.(map[string]any)
			if !ok || len(wrapped) != 1 {
				return out, nil
			}
			for _, inner := range []string{"element", "item", "array_element"} {
				if x, ok := wrapped[inner]; ok {
					list[i] = x
				}
			}
		}
		return list, nil
	}
	return out, nil
}
