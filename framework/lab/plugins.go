package lab

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/spec"
)

// Plugin is a method plugin that was found; Error says why it cannot be used.
type Plugin struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"` // as it says, or, if it was not asked, its file name or lock entry
	Path    string      `json:"path"`
	Place   string      `json:"place"`            // which of the searched places has it
	State   string      `json:"state"`            // first-party, locked, unlocked or shadowed; refused with an error of trust
	SHA256  string      `json:"sha256,omitempty"` // of the binary
	Method  spec.Method `json:"method,omitzero"`  // zero: it was not asked
	Schema  spec.Schema `json:"schema,omitzero"`
	Error   string      `json:"error,omitempty"`
}

const (
	refused = "refused" // the State of a plugin that may not be loaded
	// Shadowed is the State of one that is not used: tunelab's own of its name is.
	Shadowed = host.Shadowed
)

// Plugins lists the method plugins that can be found, by name. This program's own
// are asked what they are. Nothing of others is started: who only looks at what
// a folder holds has not asked for it to run.
func (l *Lab) Plugins(ctx context.Context) ([]Plugin, error) {
	return l.plugins(ctx, func(f host.Found) bool { return f.State == host.FirstParty })
}

// DescribePlugins asks plugins what they are, for reference pages: this program's
// own, or all that may be loaded, or those named.
func (l *Lab) DescribePlugins(ctx context.Context, all bool, names ...string) ([]Plugin, error) {
	for _, name := range names {
		if _, err := l.find(name, ""); err != nil {
			return nil, err
		}
	}
	wanted := func(f host.Found) bool {
		return f.State != host.Shadowed && (slices.Contains(names, f.Name) || len(names) == 0 && (all || f.State == host.FirstParty))
	}
	list, err := l.plugins(ctx, wanted)
	return slices.DeleteFunc(list, func(p Plugin) bool {
		return p.Method.Name == "" && p.Error == "" || len(names) > 0 && !slices.Contains(names, p.Name)
	}), err
}

// plugins lists what can be found; those that may be loaded and that ask holds
// for are asked what they are.
func (l *Lab) plugins(ctx context.Context, ask func(host.Found) bool) ([]Plugin, error) {
	found, err := host.List(l.runner.Find)
	if err != nil {
		return nil, err
	}
	lock, err := trust.ReadLock(trust.LockPath(l.runner.Find.Lock))
	if err != nil {
		return nil, err
	}
	out := []Plugin{}
	for _, f := range found {
		p := listed(f.Found)
		switch {
		case f.Err != nil:
			p.State, p.Error = refused, f.Err.Error()
		case ask(f.Found):
			if p, err = l.describe(ctx, f.Found); err != nil {
				p.Error = err.Error()
			}
		case f.State == host.Locked:
			e, _ := lock.Entry(f.Name)
			p.Version = cmp.Or(p.Version, e.Version)
		}
		out = append(out, p)
	}
	return out, nil
}

// DescribePlugin asks one plugin what it is; path "" finds it by name.
func (l *Lab) DescribePlugin(ctx context.Context, name, path string) (Plugin, error) {
	f, err := l.find(name, path)
	if err != nil {
		return listed(f), err
	}
	return l.describe(ctx, f)
}

func listed(f host.Found) Plugin {
	return Plugin{Name: f.Name, Version: f.Version, Path: f.Path, Place: f.Place, State: f.State, SHA256: f.SHA256}
}

func (l *Lab) describe(ctx context.Context, f host.Found) (Plugin, error) {
	p := listed(f)
	c, err := l.start(ctx, f)
	if err != nil {
		return p, err
	}
	defer c.Close()
	p.Version, p.SHA256, p.Method, p.Schema = c.Method.Version, c.SHA256, c.Method, c.Schema
	return p, nil
}

// find finds a plugin that may be loaded.
func (l *Lab) find(name, path string) (host.Found, error) {
	o := l.runner.Find
	o.Path = path
	return host.Find(name, o)
}

// launch finds a plugin and starts it.
func (l *Lab) launch(ctx context.Context, name, path string) (*host.Client, error) {
	f, err := l.find(name, path)
	if err != nil {
		return nil, err
	}
	return l.start(ctx, f)
}

// start starts a plugin that was found.
func (l *Lab) start(ctx context.Context, f host.Found) (*host.Client, error) {
	l.caution(f)
	return host.Launch(ctx, f.Path, host.LaunchOptions{Name: f.Name, SHA256: f.Pinned()})
}

// caution warns, once, of a plugin that only the development override lets in,
// and of those that were found and not taken.
func (l *Lab) caution(f host.Found) {
	once := func(path, format string, args ...any) {
		if !l.warned[path] && l.warn != nil {
			l.warned[path] = true
			l.warn(fmt.Sprintf(format, args...))
		}
	}
	if f.State == host.Unlocked {
		once(f.Path, "plugin %s (%s) is not in the lock file: its runs are marked unlocked", f.Name, f.Path)
	}
	for _, path := range f.Shadows {
		once(path, "plugin %s (%s) is not used: tunelab's own %s is; to use it, name its path (--plugin, or plugin: in a study)", f.Name, path, f.Name)
	}
}
