package lab

import (
	"context"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/spec"
)

// Plugin is a method plugin that was found; Error says why it cannot be used.
type Plugin struct {
	Name   string      `json:"name"`
	Path   string      `json:"path"`
	SHA256 string      `json:"sha256,omitempty"` // of the binary
	Method spec.Method `json:"method,omitzero"`
	Schema spec.Schema `json:"schema,omitzero"`
	Error  string      `json:"error,omitempty"`
}

// Plugins lists the method plugins that can be found, by name, each asked
// what it is.
func (l *Lab) Plugins(ctx context.Context) []Plugin {
	found := host.List(l.runner.Find)
	out := []Plugin{}
	for _, name := range sortedKeys(found) {
		p, err := describe(ctx, name, found[name])
		if err != nil {
			p.Error = err.Error()
		}
		out = append(out, p)
	}
	return out
}

// DescribePlugin asks one plugin what it is; path "" finds it by name.
func (l *Lab) DescribePlugin(ctx context.Context, name, path string) (Plugin, error) {
	o := l.runner.Find
	o.Path = path
	found, err := host.Find(name, o)
	if err != nil {
		return Plugin{}, err
	}
	return describe(ctx, name, found)
}

func describe(ctx context.Context, name, path string) (Plugin, error) {
	p := Plugin{Name: name, Path: path}
	c, err := host.Launch(ctx, path, host.LaunchOptions{Name: name})
	if err != nil {
		return p, err
	}
	defer c.Close()
	p.SHA256, p.Method, p.Schema = c.SHA256, c.Method, c.Schema
	return p, nil
}
