package data

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/spec"
)

// WriteExamples writes examples as JSONL, one canonical JSON object a line,
// and gives the file's lower-case hexadecimal SHA-256 and its size in bytes.
// Equal examples give equal bytes. The file appears whole or not at all.
func WriteExamples(path string, examples []spec.Example) (sha256 string, size int64, err error) {
	return writeJSONL(path, examples)
}

// WriteItems is WriteExamples for the items of a prediction request.
func WriteItems(path string, items []spec.Item) (sha256 string, size int64, err error) {
	return writeJSONL(path, items)
}

func writeJSONL[T any](path string, rows []T) (sum string, size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", 0, fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	h := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(f, h))
	for i := range rows {
		line, err := spec.Canonical(rows[i])
		if err != nil {
			return "", 0, fmt.Errorf("row %d: %w", i+1, err)
		}
		size += int64(len(line)) + 1
		w.Write(line)
		w.WriteByte('\n')
	}
	if err = w.Flush(); err != nil {
		return "", 0, err
	}
	if err = f.Chmod(0o644); err != nil {
		return "", 0, err
	}
	if err = f.Close(); err != nil {
		return "", 0, err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
