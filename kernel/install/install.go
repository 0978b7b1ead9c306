// Package install tells Jupyter of the kernel: it writes and removes kernelspecs.
package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Names are the kernelspecs: the kernel's own, and the one that notebooks written for
// gophernotes name.
var Names = []string{"tunelab", "gophernotes"}

// Spec is a kernelspec: kernel.json.
// https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs
type Spec struct {
	Argv      []string          `json:"argv"`
	Title     string            `json:"display_name"`
	Language  string            `json:"language"`
	Interrupt string            `json:"interrupt_mode"`
	Env       map[string]string `json:"env,omitempty"`
	Metadata  map[string]any    `json:"metadata,omitempty"`
}

// Place is where kernelspecs lie: one of the three, or the user's folder.
type Place struct {
	Prefix    string // share/jupyter/kernels under it
	SysPrefix bool   // of the Python that is active: $VIRTUAL_ENV, $CONDA_PREFIX, python3
}

// Folder is the place's folder of kernelspecs.
func (p Place) Folder() (string, error) {
	prefix := p.Prefix
	if p.SysPrefix {
		var err error
		if prefix, err = sysPrefix(); err != nil {
			return "", err
		}
	}
	if prefix != "" {
		abs, err := filepath.Abs(prefix)
		return filepath.Join(abs, "share", "jupyter", "kernels"), err
	}
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return filepath.Join(dir, "kernels"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter", "kernels"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter", "kernels"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter", "kernels"), nil
}

func sysPrefix() (string, error) {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if dir := os.Getenv(name); dir != "" {
			return dir, nil
		}
	}
	out, err := exec.Command("python3", "-c", "import sys; print(sys.prefix)").Output()
	if err != nil {
		return "", fmt.Errorf("--sys-prefix: no Python environment is active and python3 does not answer: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Install writes the kernelspecs for a program and gives their folders. One of the
// same name that belongs to another kernel stays, unless force is set.
func Install(p Place, program string, force bool) (written []string, err error) {
	dir, err := p.Folder()
	if err != nil {
		return nil, err
	}
	for _, name := range Names {
		at := filepath.Join(dir, name)
		if old, err := read(at); err == nil && !ours(old) && !force {
			return written, fmt.Errorf("%s is another kernel's (%s): remove it, or use --force", at, strings.Join(old.Argv, " "))
		}
		title := "Go (tunelab)"
		if name == "gophernotes" {
			title = "Go (tunelab, for gophernotes notebooks)"
		}
		raw, err := json.MarshalIndent(Spec{Argv: []string{program, "{connection_file}"}, Title: title, Language: "go", Interrupt: "message"}, "", "  ")
		if err != nil {
			return written, err
		}
		if err := os.MkdirAll(at, 0o755); err != nil {
			return written, err
		}
		if err := os.WriteFile(filepath.Join(at, "kernel.json"), append(raw, '\n'), 0o644); err != nil {
			return written, err
		}
		written = append(written, at)
	}
	return written, nil
}

// Uninstall removes the kernelspecs that Install wrote, and gives their folders.
func Uninstall(p Place) (removed []string, err error) {
	dir, err := p.Folder()
	if err != nil {
		return nil, err
	}
	for _, name := range Names {
		at := filepath.Join(dir, name)
		old, err := read(at)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !ours(old) {
			continue
		}
		if err := os.RemoveAll(at); err != nil {
			return removed, err
		}
		removed = append(removed, at)
	}
	return removed, nil
}

func read(dir string) (*Spec, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		return nil, err
	}
	s := &Spec{}
	if err := json.Unmarshal(raw, s); err != nil {
		return s, nil // a spec that cannot be read is nobody's: it may be replaced
	}
	return s, nil
}

func ours(s *Spec) bool {
	return len(s.Argv) == 0 || strings.HasPrefix(filepath.Base(s.Argv[0]), "tunelab-kernel")
}
