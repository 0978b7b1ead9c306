package lab

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/spec"
)

// Plugin is a method plugin that was found; Error says why it cannot be used.
type Plugin struct {
	Name   string      `json:"name"`
	Path   string      `json:"path"`
	Place  string      `json:"place"`            // which of the searched places has it
	State  string      `json:"state"`            // first-party, locked or unlocked; refused with an error of trust
	SHA256 string      `json:"sha256,omitempty"` // of the binary
	Method spec.Method `json:"method,omitzero"`
	Schema spec.Schema `json:"schema,omitzero"`
	Error  string      `json:"error,omitempty"`
}

// refused is the State of a plugin that may not be loaded.
const refused = "refused"

// Plugins lists the method plugins that can be found, by name. Each that may be
// loaded is asked what it is; nothing else is started.
func (l *Lab) Plugins(ctx context.Context) ([]Plugin, error) {
	found, err := host.List(l.runner.Find)
	if err != nil {
		return nil, err
	}
	out := []Plugin{}
	for _, f := range found {
		p := listed(f.Found)
		if f.Err != nil {
			p.State, p.Error = refused, f.Err.Error()
		} else if p, err = l.describe(ctx, f.Found); err != nil {
			p.Error = err.Error()
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
	return Plugin{Name: f.Name, Path: f.Path, Place: f.Place, State: f.State, SHA256: f.SHA256}
}

func (l *Lab) describe(ctx context.Context, f host.Found) (Plugin, error) {
	p := listed(f)
	c, err := l.start(ctx, f)
	if err != nil {
		return p, err
	}
	defer c.Close()
	p.SHA256, p.Method, p.Schema = c.SHA256, c.Method, c.Schema
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

// caution warns, once, of a plugin that only the development override lets in.
func (l *Lab) caution(f host.Found) {
	if f.State == host.Unlocked && !l.warned[f.Path] && l.warn != nil {
		l.warned[f.Path] = true
		l.warn(fmt.Sprintf("plugin %s (%s) is not in the lock file: its runs are marked unlocked", f.Name, f.Path))
	}
}
