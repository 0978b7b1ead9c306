package base

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/base/gen"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/spec"
)

//go:embed all:model
var files embed.FS

// Name is how studies name the embedded model.
const Name = "embedded"

const heldOutFile = "heldout.jsonl"

// Unpack writes the embedded model under dir, in a folder named by its
// content, unless it is there already, and returns that folder.
func Unpack(dir string) (string, error) {
	tmp, err := os.MkdirTemp(mkdir(dir), "base-*")
	if err != nil {
		return "", fmt.Errorf("unpack the embedded model: %w", err)
	}
	defer os.RemoveAll(tmp)
	err = fs.WalkDir(files, "model", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := files.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, filepath.Base(p)), raw, 0o644)
	})
	if err != nil {
		return "", fmt.Errorf("unpack the embedded model: %w", err)
	}
	sum, _, err := checkpoint.HashDir(tmp)
	if err != nil {
		return "", fmt.Errorf("the embedded model is incomplete (run tunelab pretrain): %w", err)
	}
	final := filepath.Join(dir, "base-"+sum[:16])
	if err := os.Rename(tmp, final); err != nil {
		if _, there := os.Stat(final); there == nil {
			return final, nil
		}
		return "", fmt.Errorf("unpack the embedded model: %w", err)
	}
	return final, nil
}

func mkdir(dir string) string {
	_ = os.MkdirAll(dir, 0o755) // MkdirTemp reports the failure
	return dir
}

// writeHeldOut stores documents of the validation split beside a model.
func writeHeldOut(dir string, seed int64) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	n := 0
	for doc := range gen.Corpus(uint64(seed), gen.Validation) {
		if err := enc.Encode(map[string]string{"text": doc}); err != nil {
			return err
		}
		if n++; n == HeldOutDocuments {
			break
		}
	}
	return os.WriteFile(filepath.Join(dir, heldOutFile), []byte(b.String()), 0o644)
}

// HeldOut reads a model folder's own held-out text as items of the logprobs
// mode; it is empty when the folder has none.
func HeldOut(dir string) ([]spec.Item, error) {
	out, err := ReadHeldOut(filepath.Join(dir, heldOutFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return out, err
}

// ReadHeldOut reads a JSONL file of {"text": "..."} as items to score.
func ReadHeldOut(path string) ([]spec.Item, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("held-out text: %w", err)
	}
	var out []spec.Item
	for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		var row struct {
			Text string `json:"text"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Text == "" {
			return nil, fmt.Errorf("%s:%d: expected {\"text\": \"...\"}", path, i+1)
		}
		out = append(out, spec.Item{ID: fmt.Sprintf("heldout-%d", i+1), Target: row.Text})
	}
	return out, nil
}
