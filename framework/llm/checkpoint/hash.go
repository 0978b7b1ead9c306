package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// relevant says whether a file of a model folder takes part in its hash: the
// weights, the configuration, the tokenizer and the chat template.
func relevant(name string) bool {
	switch name {
	case ConfigFile, "generation_config.json", "tokenizer.json", "tokenizer_config.json",
		"special_tokens_map.json", "chat_template.jinja", "adapter_config.json":
		return true
	}
	return strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".safetensors.index.json")
}

// HashDir is the content id of a model folder: SHA-256 (lower-case
// hexadecimal) over a line "name size sha256" for each file that decides what
// the model computes, in name order, and their total size in bytes. READMEs,
// hidden files and subfolders do not count.
func HashDir(dir string) (sum string, size int64, err error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return "", 0, err
	}
	all := sha256.New()
	found := false
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !relevant(e.Name()) {
			continue
		}
		h, n, err := hashFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", 0, err
		}
		fmt.Fprintf(all, "%s %d %s\n", e.Name(), n, h)
		size += n
		found = true
	}
	if !found {
		return "", 0, fmt.Errorf("%s: holds no model files (config.json, *.safetensors, tokenizer.json)", dir)
	}
	return hex.EncodeToString(all.Sum(nil)), size, nil
}

func hashFile(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}
