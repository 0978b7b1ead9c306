package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"
)

// Row is one row of a data file. Values are string, json.Number, bool, nil,
// []any or map[string]any; CSV and TSV rows hold strings only.
type Row struct {
	Fields map[string]any
	File   string // as it was named
	Line   int    // where the row starts, from 1; the row's number in Parquet files and embedded rows
}

// Formats are the file formats ReadRows knows, by their usual endings.
var Formats = []string{"json", "jsonl", "csv", "tsv", "parquet"}

// ReadRows reads a whole data file. An empty format is taken from the file's
// ending (.ndjson is jsonl). A file without rows is an error.
func ReadRows(path, format string) ([]Row, error) {
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
		if format == "ndjson" {
			format = "jsonl"
		}
	}
	read, ok := map[string]func(string, []byte) ([]Row, error){
		"json": readJSON, "jsonl": readJSONL, "csv": readCSV, "tsv": readTSV, "parquet": readParquet,
	}[format]
	if !ok {
		return nil, fmt.Errorf("%s: unknown data format %q; name the file by, or set data.format to, one of %s", path, format, strings.Join(Formats, ", "))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read data: %w", err)
	}
	if format != "parquet" {
		raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
		if at := invalidUTF8(raw); at >= 0 {
			line, col := position(raw, at)
			return nil, fmt.Errorf("%s:%d:%d: byte 0x%02x is not UTF-8; convert the file first (iconv -f latin1 -t utf8)", path, line, col, raw[at])
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			return nil, fmt.Errorf("%s: the file is empty; it needs at least one row", path)
		}
	}
	rows, err := read(path, raw)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: the file has no rows; it needs at least one", path)
	}
	return rows, nil
}

// memoryRows brings rows in memory to the types that files give.
func memoryRows(name string, in []map[string]any) ([]Row, error) {
	out := make([]Row, len(in))
	for i, r := range in {
		raw, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: the row cannot be written as JSON: %w", name, i+1, err)
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		out[i] = Row{File: name, Line: i + 1}
		if err := dec.Decode(&out[i].Fields); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return out, nil
}

// invalidUTF8 is the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// position turns a byte offset into a line and a column, both from 1; columns
// count bytes.
func position(b []byte, at int) (line, col int) {
	at = min(max(at, 0), len(b))
	return 1 + bytes.Count(b[:at], []byte("\n")), at - bytes.LastIndexByte(b[:at], '\n')
}

// names lists the keys of a row or object for an error message.
func names(m map[string]any) string {
	if len(m) == 0 {
		return "no fields"
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return strings.Join(keys, ", ")
}
