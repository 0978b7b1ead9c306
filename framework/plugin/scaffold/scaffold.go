// Package scaffold writes the folder of a new method plugin: a small method
// that works, its tests, page, Makefile and CI file, for its author to change.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// Levels at which a method can be written.
const (
	Adapter = "adapter" // says what trains; data, training, evaluation and files come from the SDK
	Method  = "method"  // owns its whole run
)

// Options of Write.
type Options struct {
	Name     string // of the method
	Level    string // Adapter or Method
	Dir      string // the folder to make; it must not exist, or be empty
	Module   string // Go module path; default example.com/tunelab-plugin-NAME
	Checkout string // folder with tunelab's source, for go.mod's replace
}

// major version of the protocol that a new plugin speaks; the minor is what it
// says of itself.
const major = 1

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// taken are the methods that come with tunelab.
var taken = []string{"icl", "cot", "feature", "head", "full", "lora", "qlora", "sft", "rlhf"}

// CheckName says what is wrong with a method's name.
func CheckName(name string) error {
	switch {
	case !nameRule.MatchString(name) || len(name) > 40:
		return fmt.Errorf("name %q: use at most 40 lower-case letters, digits and single hyphens, and begin with a letter, as in my-method", name)
	case slices.Contains(taken, name):
		return fmt.Errorf("name %q is a method that comes with tunelab: choose another", name)
	}
	return nil
}

// IsCheckout tells whether dir holds tunelab's source.
func IsCheckout(dir string) bool {
	raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && bytes.HasPrefix(raw, []byte("module github.com/tunelab/tunelab\n"))
}

// Write makes the folder and returns the files that it wrote, sorted.
func Write(o Options) ([]string, error) {
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	if o.Level != Adapter && o.Level != Method {
		return nil, fmt.Errorf("level %q: choose %s or %s", o.Level, Adapter, Method)
	}
	if !IsCheckout(o.Checkout) {
		return nil, fmt.Errorf("%q is no checkout of tunelab: its go.mod is not that of github.com/tunelab/tunelab", o.Checkout)
	}
	if o.Module == "" {
		o.Module = "example.com/tunelab-plugin-" + o.Name
	}
	entries, err := os.ReadDir(o.Dir)
	if err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: give another folder (--into)", o.Dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("make the plugin's folder: %w", err)
	}
	version, mod, err := requirements(o.Checkout)
	if err != nil {
		return nil, err
	}
	values := map[string]any{"Name": o.Name, "Version": "0.1.0", "Adapter": o.Level == Adapter, "Module": o.Module, "Checkout": o.Checkout,
		"Go": version, "File": o.Level + ".go", "Major": major}
	var written []string
	for _, folder := range []string{"common", o.Level} {
		files, err := fs.Glob(templates, "templates/"+folder+"/*.tmpl")
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name := strings.TrimSuffix(filepath.Base(f), ".tmpl")
			t, err := template.ParseFS(templates, f)
			if err != nil {
				return nil, err
			}
			var out bytes.Buffer
			if err := t.Execute(&out, values); err != nil {
				return nil, err
			}
			content := out.Bytes()
			switch filepath.Ext(name) {
			case ".mod":
				content = append(content, mod...)
			case ".go":
				if content, err = format.Source(content); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
			}
			switch name {
			case "ci.yml":
				name = ".github/workflows/test.yml"
			case "gitignore":
				name = ".gitignore"
			}
			if err := write(filepath.Join(o.Dir, name), content); err != nil {
				return nil, err
			}
			written = append(written, name)
		}
	}
	sum, err := os.ReadFile(filepath.Join(o.Checkout, "go.sum"))
	if err == nil {
		err = write(filepath.Join(o.Dir, "go.sum"), sum)
	}
	if err != nil {
		return nil, fmt.Errorf("take over tunelab's go.sum: %w", err)
	}
	written = append(written, "go.sum")
	slices.Sort(written)
	return written, nil
}

// requirements are the Go version and the modules of tunelab's own go.mod, so
// that the new module builds at once, with the versions that tunelab is tested
// with.
func requirements(checkout string) (version, block string, err error) {
	raw, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	if err != nil {
		return "", "", fmt.Errorf("read tunelab's go.mod: %w", err)
	}
	text := string(raw)
	if m := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(text); m != nil {
		version = m[1]
	}
	for _, b := range regexp.MustCompile(`(?ms)^require \(.*?^\)\n`).FindAllString(text, -1) {
		block += "\n" + b
	}
	return version, block, nil
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
