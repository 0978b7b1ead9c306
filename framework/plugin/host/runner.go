package host

import (
	"context"
	"io"
	"os/exec"
	"strconv"

	"github.com/hashicorp/go-plugin/runner"
)

// process starts the plugin for go-plugin, which has no hook between the start
// of a process and the handshake: the limits are set there.
type process struct {
	c      *Client
	stdout io.ReadCloser
	stderr io.ReadCloser
}

var _ runner.Runner = (*process)(nil)

// newProcess takes the environment that go-plugin adds (handshake, certificate,
// socket folder) and nothing else from its command.
func newProcess(c *Client, wanted *exec.Cmd) (*process, error) {
	c.cmd.Env = append(c.cmd.Env, wanted.Env...)
	p := &process{c: c}
	var err error
	if p.stdout, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	p.stderr, err = c.cmd.StderrPipe()
	return p, err
}

func (p *process) Start(context.Context) error {
	if err := p.c.cmd.Start(); err != nil {
		return err
	}
	if err := limit(p.c.pid(), p.c.opts.Limits); err != nil {
		p.c.end()
		_ = p.c.cmd.Wait() // it was killed
		return err
	}
	return nil
}

func (p *process) Wait(context.Context) error      { return p.c.cmd.Wait() }
func (p *process) Kill(context.Context) error      { p.c.end(); return nil }
func (p *process) Stdout() io.ReadCloser           { return p.stdout }
func (p *process) Stderr() io.ReadCloser           { return p.stderr }
func (p *process) Name() string                    { return p.c.Path }
func (p *process) ID() string                      { return strconv.Itoa(p.c.pid()) }
func (p *process) Diagnose(context.Context) string { return "" }
func (p *process) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}
func (p *process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
