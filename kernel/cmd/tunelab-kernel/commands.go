package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/tunelab/tunelab/kernel/client"
	"github.com/tunelab/tunelab/kernel/install"
	"github.com/tunelab/tunelab/kernel/notebook"
)

// commands are what a person runs; Jupyter runs the program on a connection file.
type commands struct {
	Install   installCmd   `cmd:"" help:"Tell Jupyter of the kernel."`
	Uninstall uninstallCmd `cmd:"" help:"Take that back."`
	Selftest  selftestCmd  `cmd:"" help:"Start the kernel as Jupyter does, and try it."`
	Notebook  notebookCmd  `cmd:"" help:"Run a notebook without Jupyter, and write what its cells show."`
}

type place struct {
	User      bool   `help:"For this user; the default." xor:"place"`
	Prefix    string `help:"Under DIR/share/jupyter/kernels." placeholder:"DIR" xor:"place"`
	SysPrefix bool   `help:"For the Python environment that is active." xor:"place"`
}

func (p place) place() install.Place { return install.Place{Prefix: p.Prefix, SysPrefix: p.SysPrefix} }

type installCmd struct {
	place `embed:""`
	Force bool `help:"Write over another kernel of the same name."`
}

func (c *installCmd) Run(self string) error {
	written, err := install.Install(c.place.place(), self, c.Force)
	for _, w := range written {
		fmt.Println("installed", w)
	}
	return err
}

type uninstallCmd struct {
	place `embed:""`
}

func (c *uninstallCmd) Run() error {
	removed, err := install.Uninstall(c.place.place())
	for _, r := range removed {
		fmt.Println("removed", r)
	}
	if err == nil && len(removed) == 0 {
		return fmt.Errorf("no kernelspec of tunelab is installed there")
	}
	return err
}

type selftestCmd struct{}

func (c *selftestCmd) Run(ctx context.Context, self string) error {
	return install.SelfTest(ctx, self, os.Stdout)
}

type notebookCmd struct {
	File    string        `arg:"" help:"The .ipynb file." placeholder:"NB.ipynb"`
	Out     string        `help:"Write here; default: into the file itself." short:"o" placeholder:"FILE"`
	Timeout time.Duration `help:"For the whole notebook. 0: none." placeholder:"DURATION"`
}

func (c *notebookCmd) Run(ctx context.Context, self string) error {
	n, err := notebook.Read(c.File)
	if err != nil {
		return err
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	k, err := client.Start(ctx, []string{self}, os.Stderr)
	if err != nil {
		return err
	}
	defer k.Close()
	failed := n.Run(ctx, k, func(cell, of int) { fmt.Fprintf(os.Stderr, "cell %d of %d\n", cell, of) })
	if c.Out == "" {
		c.Out = c.File
	}
	if err := n.Write(c.Out); err != nil {
		return err
	}
	return failed
}

// runCommand is what a command line without a connection file does.
func runCommand(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parser, err := kong.New(&commands{}, kong.Name("tunelab-kernel"),
		kong.Description("Go in Jupyter notebooks. Jupyter starts it as tunelab-kernel CONNECTION_FILE."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(self), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return err
	}
	k, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w\nTry: tunelab-kernel --help", err)
	}
	return k.Run()
}

// connection tells a connection file from a command.
func connection(args []string) bool {
	return len(args) == 1 && (strings.HasSuffix(args[0], ".json") || strings.ContainsRune(args[0], os.PathSeparator))
}
