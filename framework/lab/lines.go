package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// Line is one input of Score, Generate and Embed: ids, or a text.
type Line struct {
	IDs   []int   `json:"ids"`
	Text  *string `json:"text"`
	Where string  `json:"-"` // for errors; "": the line's number
}

// at names line i, from 0, in an error.
func (l Line) at(i int) string {
	if l.Where != "" {
		return l.Where
	}
	return fmt.Sprintf("line %d", i+1)
}

// ReadLines reads JSON objects, one a line: {"ids": [...]} when ids is set,
// else {"text": "..."}. name is used in errors.
func ReadLines(r io.Reader, name string, ids bool) ([]Line, error) {
	want := errors.New(`expected {"text": "..."}`)
	if ids {
		want = errors.New(`expected {"ids": [1, 2, 3]}`)
	}
	return readLines(r, name, func(l *Line, where string, err error) error {
		l.Where = where
		switch {
		case err != nil:
			return fmt.Errorf("%w; %w", err, want)
		case ids && (len(l.IDs) == 0 || l.Text != nil) || !ids && (l.Text == nil || l.IDs != nil):
			return want
		}
		return nil
	})
}

// ReadJSONL reads JSON objects, one a line, and refuses fields that T does not
// have. name is used in errors.
func ReadJSONL[T any](r io.Reader, name string) ([]T, error) {
	return readLines(r, name, func(_ *T, _ string, err error) error { return err })
}

// readLines gives check each object, where it stands ("FILE:LINE") and what is
// wrong with it. A byte order mark in front and empty lines are passed over.
func readLines[T any](r io.Reader, name string, check func(v *T, where string, err error) error) ([]T, error) {
	var out []T
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 64<<20)
	for n := 1; sc.Scan(); n++ {
		raw := sc.Bytes()
		if n == 1 {
			raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
		}
		if raw = bytes.TrimSpace(raw); len(raw) == 0 {
			continue
		}
		var v T
		where := fmt.Sprintf("%s:%d", name, n)
		if err := check(&v, where, alone(raw, &v)); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		out = append(out, v)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no line in it", name)
	}
	return out, nil
}

// alone reads the one value that a line holds.
func alone(raw []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return checkpoint.JSONFault(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object; one line holds one object")
	}
	return nil
}
