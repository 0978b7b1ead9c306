package host

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// FindOptions of Find; the zero value searches the usual places.
type FindOptions struct {
	Path string   // explicit path of the binary; nothing else is searched
	Dirs []string // searched before the usual places
}

const prefix = "tunelab-plugin-"

var versioned = regexp.MustCompile(`^tunelab-plugin-([a-z0-9-]+)_v\d+\.\d+\.\d+[^_]*_p\d+\.\d+_[a-z0-9]+_[a-z0-9]+(\.exe)?$`)

// dirs lists where plugins are searched, first hit wins: $TUNELAB_PLUGIN_DIR,
// ./.tunelab/plugins, ~/.tunelab/plugins, and plugins/ beside this program.
func dirs(o FindOptions) []string {
	out := slices.Clone(o.Dirs)
	if d := os.Getenv("TUNELAB_PLUGIN_DIR"); d != "" {
		out = append(out, filepath.SplitList(d)...)
	}
	out = append(out, filepath.Join(".tunelab", "plugins"))
	if home, err := os.UserHomeDir(); err == nil {
		out = append(out, filepath.Join(home, ".tunelab", "plugins"))
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		out = append(out, filepath.Join(filepath.Dir(exe), "plugins"))
	}
	return out
}

// Find gives the path of the plugin binary of a method.
func Find(name string, o FindOptions) (string, error) {
	if o.Path != "" {
		if _, err := os.Stat(o.Path); err != nil {
			return "", fmt.Errorf("plugin %s: %w", name, err)
		}
		return filepath.Abs(o.Path)
	}
	for _, d := range dirs(o) {
		for n, path := range scan(d) {
			if n == name {
				return filepath.Abs(path)
			}
		}
	}
	return "", fmt.Errorf("no plugin for method %q in %s; build it (make build), install it, or name its path", name, strings.Join(dirs(o), ", "))
}

// List gives every method that can be found, and its binary.
func List(o FindOptions) map[string]string {
	out := map[string]string{}
	for _, d := range dirs(o) {
		for n, path := range scan(d) {
			if _, have := out[n]; !have {
				out[n] = path
			}
		}
	}
	return out
}

// scan maps method names to binaries of one folder; of several versions the
// last by name.
func scan(dir string) map[string]string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	out := map[string]string{}
	for _, e := range entries {
		base := strings.TrimSuffix(e.Name(), ".exe")
		if e.IsDir() || !strings.HasPrefix(base, prefix) {
			continue
		}
		name := strings.TrimPrefix(base, prefix)
		if m := versioned.FindStringSubmatch(e.Name()); m != nil {
			name = m[1]
		}
		out[name] = filepath.Join(dir, e.Name())
	}
	return out
}
