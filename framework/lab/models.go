package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunelab/tunelab/framework/base"
	"github.com/tunelab/tunelab/framework/llm/hub"
)

// Models finds models by what a user calls them: a Hugging Face folder, the
// embedded model (base.Name, or ""), or hf:owner/name[@revision], which is
// fetched into the Hub's cache.
type Models struct {
	State    string                                                                               // state folder, under which the embedded model is unpacked
	Download func(file string, done, total int64)                                                 // told of what the Hub sends, total -1 if it doesn't say; may be nil
	Hub      func(ctx context.Context, ref string, o hub.Options) (dir, commit string, err error) // nil: hub.Resolve
}

// Dir is the folder of a model.
func (m Models) Dir(ctx context.Context, name string) (string, error) {
	dir, _, err := m.find(ctx, name)
	return dir, err
}

// find gives the folder, and the name by which the very same model is found
// again: of the Hub, with its commit.
func (m Models) find(ctx context.Context, name string) (dir, exactly string, err error) {
	switch {
	case name == "" || name == base.Name:
		dir, err = base.Unpack(filepath.Join(m.State, "models"))
		return dir, name, err
	case onHub(name):
		ref, err := hub.ParseRef(name)
		if err != nil {
			return "", "", fmt.Errorf("model %q: %w", name, err)
		}
		resolve := m.Hub
		if resolve == nil {
			resolve = hub.Resolve
		}
		dir, commit, err := resolve(ctx, name, hub.Options{Progress: m.Download})
		if err != nil {
			return "", "", fmt.Errorf("model %s: %w", name, err)
		}
		ref.Revision = commit
		return dir, ref.String(), nil
	}
	if _, err := os.Stat(name); err != nil {
		return "", "", fmt.Errorf("model %q: %w; give a Hugging Face folder, hf:owner/name, or %q", name, err, base.Name)
	}
	return name, absolute(name), onlyFiles(name)
}

// onlyFiles refuses a folder with a pipe or a device in it, which a reader would
// wait for.
func onlyFiles(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("model: %w; give the folder that holds config.json", err)
	}
	for _, entry := range list {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
			return fmt.Errorf("model: %s is neither a file nor a folder", path)
		}
	}
	return nil
}

// onHub tells whether a name is one of the Hub and not of a file.
func onHub(name string) bool { return strings.HasPrefix(name, hub.Scheme) }
