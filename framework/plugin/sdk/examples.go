package sdk

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tunelab/tunelab/framework/spec"
)

// ReadExamples reads a JSONL file of examples; "" gives none.
func ReadExamples(path string) ([]spec.Example, error) { return readLines[spec.Example](path) }

// ReadItems reads a JSONL file of items.
func ReadItems(path string) ([]spec.Item, error) { return readLines[spec.Item](path) }

func readLines[T any](path string) ([]T, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read examples: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var out []T
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var v T
			if e := json.Unmarshal(line, &v); e != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n, e)
			}
			out = append(out, v)
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
}
