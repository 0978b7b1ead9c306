package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// weighty says whether a file at the top of a model folder takes part in its
// hash beside the companions: the weights and the configuration.
func weighty(name string) bool {
	if name == ConfigFile || name == "adapter_config.json" {
		return true
	}
	hidden := strings.HasPrefix(name, ".")
	return !hidden && (strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".safetensors.index.json"))
}

// HashDir is the content id of a model folder: SHA-256 (lower-case
// hexadecimal) over a line "name size sha256" for each file that decides what
// the model computes, in the order of their names, and their total size in
// bytes: weights, configuration and Companions. READMEs, hidden files and other
// subfolders do not count.
func HashDir(dir string) (sum string, size int64, err error) {
	names, err := Companions(dir)
	if err != nil {
		return "", 0, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", 0, err
	}
	for _, e := range entries {
		if weighty(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	all := sha256.New()
	for _, name := range names {
		h, n, err := hashFile(filepath.Join(dir, name))
		if err != nil {
			return "", 0, err
		}
		fmt.Fprintf(all, "%s %d %s\n", name, n, h)
		size += n
	}
	if len(names) == 0 {
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
