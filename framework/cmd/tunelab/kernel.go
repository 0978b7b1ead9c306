package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// kernelCmd and notebookCmd run the program beside this one that is the notebook
// kernel: its interpreter stays out of this binary.
type kernelCmd struct {
	Install   kernelInstallCmd   `cmd:"" passthrough:"" help:"Tell Jupyter of the kernel (--user, --prefix DIR, --sys-prefix)."`
	Selftest  kernelSelftestCmd  `cmd:"" passthrough:"" help:"Start the kernel as Jupyter does, and try it."`
	Uninstall kernelUninstallCmd `cmd:"" passthrough:"" help:"Take the installation back."`
}

type kernelArgs struct {
	Args []string `arg:"" optional:""`
}

type (
	kernelInstallCmd   struct{ kernelArgs }
	kernelSelftestCmd  struct{ kernelArgs }
	kernelUninstallCmd struct{ kernelArgs }
	notebookCmd        struct{ kernelArgs }
)

func (c *kernelInstallCmd) Run(a *app) error   { return c.kernel(a, "install") }
func (c *kernelSelftestCmd) Run(a *app) error  { return c.kernel(a, "selftest") }
func (c *kernelUninstallCmd) Run(a *app) error { return c.kernel(a, "uninstall") }
func (c *notebookCmd) Run(a *app) error        { return c.kernel(a, "notebook") }

// kernel runs a command of tunelab-kernel and takes over its exit code.
func (c *kernelArgs) kernel(a *app, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program := filepath.Join(filepath.Dir(self), "tunelab-kernel")
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("the notebook kernel is a program of its own, tunelab-kernel, beside this one: %w (make build makes both)", err)
	}
	cmd := exec.CommandContext(a.ctx, program, append([]string{name}, c.Args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, a.out, a.err
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &codeError{exit.ExitCode(), fmt.Errorf("tunelab-kernel %s failed", name)}
	}
	return err
}
