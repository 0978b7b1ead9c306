package trust

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"
)

// LockName is the lock file in the working folder; LockVar names another.
const (
	LockName = "tunelab.lock"
	LockVar  = "TUNELAB_LOCK"
)

const lockFormat = 1

// Lock is a lock file: YAML, and so JSON too.
type Lock struct {
	Format  int     `yaml:"format"`
	Plugins []Entry `yaml:"plugins"` // by name

	path string
	held *os.File // its folder, locked; nil: only read
}

// Entry pins one plugin.
type Entry struct {
	Name       string            `yaml:"name" json:"name"`
	Source     string            `yaml:"source" json:"source"` // base name of the file, or URL without credentials, that it was installed from
	Version    string            `yaml:"version" json:"version"`
	Constraint string            `yaml:"constraint,omitempty" json:"constraint,omitempty"` // versions that an install may move to; "": any
	Protocol   string            `yaml:"protocol" json:"protocol"`                         // MAJOR.MINOR
	SHA256     map[string]string `yaml:"sha256" json:"sha256"`                             // of the binary, by os_arch
}

// LockPath is where the lock file lies: given, $TUNELAB_LOCK, or tunelab.lock
// in the working folder.
func LockPath(given string) string {
	return cmp.Or(given, os.Getenv(LockVar), LockName)
}

// ReadLock reads a lock file; one that is not there holds nothing.
func ReadLock(path string) (*Lock, error) {
	l := &Lock{Format: lockFormat, path: path}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the lock file: %w", err)
	}
	if err := yaml.Load(raw, l, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("lock file %s: %w: restore it from version control, or delete it and install its plugins again", path, err)
	}
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("lock file %s: %w: restore it from version control, or delete it and install its plugins again", path, err)
	}
	return l, nil
}

var (
	digest   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	platform = regexp.MustCompile(`^[a-z0-9]+_[a-z0-9]+$`)
	protocol = regexp.MustCompile(`^[1-9]\d*\.\d+$`)
)

// IsDigest tells whether s is a SHA-256 in lower-case hexadecimal.
func IsDigest(s string) bool { return digest.MatchString(s) }

func (l *Lock) check() error {
	if l.Format != lockFormat {
		return fmt.Errorf("format: %d is not %d, which this tunelab reads", l.Format, lockFormat)
	}
	for i, e := range l.Plugins {
		at := fmt.Sprintf("plugins[%d]", i)
		if !bareName.MatchString(e.Name) {
			return fmt.Errorf("%s.name: %q is no plugin name", at, e.Name)
		}
		if slices.ContainsFunc(l.Plugins[:i], func(o Entry) bool { return o.Name == e.Name }) {
			return fmt.Errorf("%s.name: %q stands twice", at, e.Name)
		}
		if _, err := ParseVersion(e.Version); err != nil {
			return fmt.Errorf("%s.version: %w", at, err)
		}
		if _, err := ParseConstraint(e.Constraint); err != nil {
			return fmt.Errorf("%s.constraint: %w", at, err)
		}
		if !protocol.MatchString(e.Protocol) {
			return fmt.Errorf("%s.protocol: %q is not MAJOR.MINOR", at, e.Protocol)
		}
		if len(e.SHA256) == 0 {
			return fmt.Errorf("%s.sha256: no digest", at)
		}
		for p, d := range e.SHA256 {
			if !platform.MatchString(p) || !IsDigest(d) {
				return fmt.Errorf("%s.sha256: %q: %q is not OS_ARCH with a SHA-256 of 64 lower-case hexadecimal digits", at, p, d)
			}
		}
	}
	return nil
}

// Path of the file that the lock was read from.
func (l *Lock) Path() string { return l.path }

// Entry gives the entry of a plugin.
func (l *Lock) Entry(name string) (Entry, bool) {
	for _, e := range l.Plugins {
		if e.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}

// Put sets the entry of a plugin.
func (l *Lock) Put(e Entry) {
	l.Remove(e.Name)
	l.Plugins = append(l.Plugins, e)
	slices.SortFunc(l.Plugins, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
}

// Remove deletes the entry of a plugin and tells whether there was one.
func (l *Lock) Remove(name string) bool {
	n := len(l.Plugins)
	l.Plugins = slices.DeleteFunc(l.Plugins, func(e Entry) bool { return e.Name == name })
	return len(l.Plugins) < n
}

const lockHead = "# Plugins that may be loaded, by the SHA-256 of their binaries. Written by\n# tunelab plugins install; commit it.\n"

// Write writes the lock to its file, whole or not at all.
func (l *Lock) Write() error {
	if err := l.check(); err != nil {
		return fmt.Errorf("lock file %s: %w", l.path, err)
	}
	raw, err := yaml.Dump(l) // maps are written in key order
	if err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(l.path), "."+LockName+"-*")
	if err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = bytes.NewBuffer(append([]byte(lockHead), raw...)).WriteTo(f)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), l.path)
	}
	if err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

// Admit says why the lock does not let a binary be loaded; nil when it does.
// version is what the file's name or the plugin says, "" when unknown.
func (l *Lock) Admit(name, version, sha256 string) error {
	e, ok := l.Entry(name)
	if !ok {
		return fmt.Errorf("%s has no entry for it", l.path)
	}
	want, ok := e.SHA256[Platform()]
	if !ok {
		return fmt.Errorf("%s has no digest of it for %s, only for %s", l.path, Platform(), platforms(e))
	}
	if version != "" && version != e.Version {
		return fmt.Errorf("%s pins version %s and this is %s", l.path, e.Version, version)
	}
	if want != sha256 {
		return fmt.Errorf("the file has changed since it was installed: its sha256 is %s and %s holds %s", sha256, l.path, want)
	}
	return nil
}

func platforms(e Entry) []string {
	var out []string
	for p := range e.SHA256 {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}
