package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readCSV reads comma-separated values with a header (RFC 4180): fields with
// commas, quotes or newlines are quoted, a quote is doubled.
func readCSV(path string, raw []byte) ([]Row, error) {
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord = -1 // checked here, with both numbers in the message
	header, err := r.Read()
	if err != nil {
		return nil, csvError(path, err)
	}
	line, _ := r.FieldPos(0)
	if err := checkHeader(path, line, header); err != nil {
		return nil, err
	}
	var rows []Row
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, csvError(path, err)
		}
		line, _ := r.FieldPos(0)
		row, err := tableRow(path, line, header, record)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

// readTSV reads tab-separated values with a header (IANA
// text/tab-separated-values): no quoting, so a field holds no tab or newline.
func readTSV(path string, raw []byte) ([]Row, error) {
	var header []string
	var rows []Row
	for n, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		record := strings.Split(line, "\t")
		if header == nil {
			header = record
			if err := checkHeader(path, n+1, header); err != nil {
				return nil, err
			}
			continue
		}
		row, err := tableRow(path, n+1, header, record)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func csvError(path string, err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return fmt.Errorf("%s: %w", path, err)
	}
	at := fmt.Sprintf("%s:%d:%d", path, p.Line, p.Column)
	if p.StartLine != p.Line {
		at += fmt.Sprintf(" (in the row that starts on line %d)", p.StartLine)
	}
	return fmt.Errorf("%s: %w; a field with a quote, comma or newline is put in quotes, and its quotes are doubled", at, p.Err)
}

func checkHeader(path string, line int, header []string) error {
	seen := map[string]bool{}
	for i, h := range header {
		switch {
		case strings.TrimSpace(h) == "":
			return fmt.Errorf("%s:%d: column %d has no name; the first row names the columns", path, line, i+1)
		case seen[h]:
			return fmt.Errorf("%s:%d: two columns are named %q; rename one", path, line, h)
		}
		seen[h] = true
	}
	return nil
}

func tableRow(path string, line int, header, record []string) (Row, error) {
	if len(record) != len(header) {
		return Row{}, fmt.Errorf("%s:%d: expected %d fields (%s), found %d", path, line, len(header), strings.Join(header, ", "), len(record))
	}
	fields := make(map[string]any, len(header))
	for i, h := range header {
		fields[h] = record[i]
	}
	return Row{Fields: fields, File: path, Line: line}, nil
}
