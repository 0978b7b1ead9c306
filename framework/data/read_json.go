package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// readJSON reads one JSON array of objects.
func readJSON(path string, raw []byte) ([]Row, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil { // checks the syntax of all of it
		return nil, jsonError(path, raw, 0, len(raw), err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	tok, err := dec.Token()
	if err != nil {
		return nil, jsonError(path, raw, 0, len(raw), err)
	}
	if tok != json.Delim('[') {
		return nil, fmt.Errorf("%s:1: expected a JSON array of objects, found %s; for one object a line, name the file .jsonl", path, describe(tok))
	}
	var rows []Row
	for dec.More() {
		start := rowStart(raw, int(dec.InputOffset()))
		line, col := position(raw, start)
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, jsonError(path, raw, 0, len(raw), err)
		}
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s:%d:%d: expected an object, found %s", path, line, col, describe(v))
		}
		rows = append(rows, Row{Fields: fields, File: path, Line: line})
	}
	if _, err := dec.Token(); err != nil {
		return nil, jsonError(path, raw, 0, len(raw), err)
	}
	return rows, nil
}

// rowStart skips the comma and white space before an array's element.
func rowStart(raw []byte, at int) int {
	for at < len(raw) && bytes.IndexByte([]byte(", \t\r\n"), raw[at]) >= 0 {
		at++
	}
	return at
}

// readJSONL reads one JSON object a line; blank lines are skipped.
func readJSONL(path string, raw []byte) ([]Row, error) {
	var rows []Row
	offset := 0
	for n, line := range bytes.Split(raw, []byte("\n")) {
		base := offset
		offset += len(line) + 1
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, jsonError(path, raw, base, base+len(line), err)
		}
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s:%d:1: expected an object, found %s", path, n+1, describe(v))
		}
		if rest := bytes.TrimSpace(line[dec.InputOffset():]); len(rest) > 0 {
			return nil, fmt.Errorf("%s:%d:%d: more text after the object's end; a line holds one object", path, n+1, dec.InputOffset()+1)
		}
		rows = append(rows, Row{Fields: fields, File: path, Line: n + 1})
	}
	return rows, nil
}

// jsonError gives a JSON error its line and column; dec reads raw[base:end].
func jsonError(path string, raw []byte, base, end int, err error) error {
	at := base
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err.Error() == "unexpected end of JSON input":
		at, err = end, errors.New("the JSON ends too early; the file may be cut off")
	case errors.As(err, &syntax):
		at = min(base+int(syntax.Offset)-1, end)
	}
	line, col := position(raw, at)
	return fmt.Errorf("%s:%d:%d: %w", path, line, col, err)
}

func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case json.Delim:
		if x == '{' {
			return "an object"
		}
		return x.String()
	case string:
		return fmt.Sprintf("the text %q", clip(x, 30))
	case json.Number:
		return "the number " + x.String()
	case bool:
		return fmt.Sprint(x)
	case []any:
		return "an array"
	}
	return fmt.Sprintf("%T", v)
}
