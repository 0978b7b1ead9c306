package main

import (
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/lab"
	"github.com/tunelab/tunelab/framework/spec"
)

type pluginsCmd struct {
	List     pluginsListCmd     `cmd:"" help:"List the method plugins that can be found, and which may be loaded; those of others are not started."`
	Describe pluginsDescribeCmd `cmd:"" help:"Start a plugin and describe its method: what it does, its parameters."`
	Docs     pluginsDocsCmd     `cmd:"" help:"Write a reference page for each of tunelab's own methods, or for those of others too."`
	Install  pluginsInstallCmd  `cmd:"" help:"Check a plugin's digest, install it and pin it in the lock file."`
	Remove   pluginsRemoveCmd   `cmd:"" help:"Remove an installed plugin and its lock entry."`
}

type pluginsListCmd struct{}

func (pluginsListCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	list, err := l.Plugins(a.ctx)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "no plugins found; build them with: make build")
		return nil
	}
	rows := []string{"METHOD\tVERSION\tSTATE\tPLACE\tTASKS\tMODES\tRESUMES\tSUMMARY\tBINARY"}
	var wrong []string
	for _, p := range list {
		m := p.Method
		resumes := fmt.Sprint(m.Resume)
		switch {
		case p.Error != "":
			wrong = append(wrong, p.Name+": "+p.Error)
			m.Summary = "not usable, see below"
		case p.State == lab.Shadowed:
			m.Summary = "not used: tunelab's own " + p.Name + " is; name this one's path to use it"
		case m.Name == "":
			m.Summary = "not started: tunelab plugins describe " + p.Name + " starts it and asks"
		}
		if m.Name == "" {
			resumes = ""
		}
		rows = append(rows, strings.Join([]string{p.Name, p.Version, p.State, p.Place, strings.Join(m.Tasks, ","), strings.Join(m.Modes, ","), resumes, m.Summary, p.Path}, "\t"))
	}
	if err := columns(a.out, rows); err != nil {
		return err
	}
	for _, w := range wrong {
		fmt.Fprintf(a.out, "\n%s\n", w)
	}
	return nil
}

type pluginsDescribeCmd struct {
	Method string `arg:"" help:"Method, such as lora."`
	Plugin string `help:"Path of the plugin binary; default: found by the method's name." placeholder:"FILE"`
}

func (c *pluginsDescribeCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	p, err := l.DescribePlugin(a.ctx, c.Method, c.Plugin)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, p)
	}
	m := p.Method
	fmt.Fprintf(a.out, "%s %s: %s\n", m.Name, m.Version, m.Summary)
	var rows []string
	for _, f := range lab.Facts(m, p.Schema) {
		rows = append(rows, f[0]+"\t"+f[1])
	}
	rows = append(rows, "binary\t"+p.Path, "found\t"+p.Place, "state\t"+p.State, "sha256\t"+p.SHA256)
	if err := columns(a.out, rows); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "\nparameters:")
	for _, q := range p.Schema.Params {
		fmt.Fprintf(a.out, "  %s  %s\n      %s\n", q.Name, typeOf(q), q.Description)
		if q.Source != "" {
			fmt.Fprintf(a.out, "      source: %s\n", q.Source)
		}
	}
	return nil
}

// typeOf writes a parameter's type, range, unit and default.
func typeOf(p spec.Param) string {
	s := p.Type
	if r := lab.Range(p); r != "" {
		s += ", " + r
	}
	if p.Unit != "" {
		s += ", " + p.Unit
	}
	return s + fmt.Sprintf(" (default %v)", p.Default)
}
