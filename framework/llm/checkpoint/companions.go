package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// TemplateFolder holds the named chat templates of a model folder, NAME.jinja
// each.
const TemplateFolder = "additional_chat_templates"

const templateFile = "chat_template.jinja"

var companions = []string{GenerationFile, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", templateFile}

// IsCompanion says whether a path in a model folder, with slashes, is that of a
// file that goes with the weights and config.json wherever they go: how to
// generate, the tokenizer and the chat templates.
func IsCompanion(name string) bool {
	dir, file := path.Split(name)
	if dir == TemplateFolder+"/" {
		return strings.HasSuffix(file, ".jinja")
	}
	return slices.Contains(companions, name)
}

// Companions gives the paths of such files in dir, with slashes, sorted.
func Companions(dir string) ([]string, error) {
	var out []string
	for _, sub := range []string{"", TemplateFolder} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if sub != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if name := path.Join(sub, e.Name()); IsCompanion(name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// CopyCompanions copies those of the folder from to the folder to that it lacks.
// Beside a chat template of its own it gets no named ones.
func CopyCompanions(from, to string) error {
	names, err := Companions(from)
	if err != nil {
		return err
	}
	has := func(name string) bool { _, err := os.Stat(filepath.Join(to, name)); return err == nil }
	own := has(templateFile)
	for _, name := range names {
		if has(name) || own && path.Dir(name) == TemplateFolder {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = WriteCompanion(to, name, raw)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	return nil
}

// WriteCompanion writes one of them atomically, with the folder that it is in.
func WriteCompanion(dir, name string, raw []byte) error {
	target := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return WriteAtomic(target, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}
