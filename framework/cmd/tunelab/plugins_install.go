package main

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/lab"
)

type pluginsInstallCmd struct {
	Source           string `arg:"" help:"Plugin binary: a file, or an https URL."`
	SHA256           string `help:"Digest that the plugin's author publishes." name:"sha256" required:"" placeholder:"HEX"`
	NameFromDescribe bool   `help:"Name the installed file by what the plugin says of itself, whatever the source is called."`
	User             bool   `help:"Install for this user (~/.tunelab/plugins), not for this folder (.tunelab/plugins)."`
	Constraint       string `help:"Versions that later installs may move to, such as '^1.2.0'." placeholder:"VERSIONS"`
	Force            bool   `help:"Replace another binary of the same version, or leave the constraint."`
}

func (c *pluginsInstallCmd) Run(a *app) error {
	in, err := lab.InstallPlugin(a.ctx, lab.Install{Source: c.Source, SHA256: c.SHA256, NameFromDescribe: c.NameFromDescribe, User: c.User, Force: c.Force, Constraint: c.Constraint, Lock: a.lock})
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, in)
	}
	fmt.Fprintf(a.out, "installed %s %s as %s and pinned it in %s; commit that file\n", in.Entry.Name, in.Entry.Version, in.Path, in.Lock)
	if in.Shadowed {
		fmt.Fprintf(a.out, "tunelab's own %s is used all the same: to use this one, name its path (--plugin %s, or plugin: in a study)\n", in.Entry.Name, in.Path)
	}
	return nil
}

type pluginsRemoveCmd struct {
	Name string `arg:"" help:"Plugin, by its method's name."`
	User bool   `help:"The one of this user (~/.tunelab/plugins), not of this folder (.tunelab/plugins)."`
}

func (c *pluginsRemoveCmd) Run(a *app) error {
	removed, err := lab.RemovePlugin(c.Name, c.User, a.lock)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, map[string]any{"plugin": c.Name, "removed": removed})
	}
	for _, f := range removed {
		fmt.Fprintln(a.out, "removed", f)
	}
	fmt.Fprintf(a.out, "the lock file no longer holds %s\n", c.Name)
	return nil
}

type pluginsDocsCmd struct {
	Methods []string `arg:"" optional:"" help:"Methods to describe; default: tunelab's own."`
	All     bool     `help:"The plugins of others too, which are started for it."`
	Out     string   `short:"o" help:"Folder for the pages." default:"plugin-docs" placeholder:"DIR"`
}

func (c *pluginsDocsCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	list, err := l.DescribePlugins(a.ctx, c.All, c.Methods...)
	if err != nil {
		return err
	}
	if err := lab.WritePluginDocs(list, c.Out); err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, map[string]string{"dir": c.Out})
	}
	fmt.Fprintf(a.out, "wrote %s/index.md and a page for each method\n", c.Out)
	return nil
}
