package main

import (
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
)

type pluginsCmd struct {
	List     pluginsListCmd     `cmd:"" help:"List the method plugins that can be found."`
	Describe pluginsDescribeCmd `cmd:"" help:"Describe a method: what it does, its parameters."`
}

type pluginsListCmd struct{}

func (pluginsListCmd) Run(a *app) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	list := l.Plugins(a.ctx)
	if a.json {
		return printJSON(a.out, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "no plugins found; build them with: make build")
		return nil
	}
	rows := []string{"METHOD\tVERSION\tFAMILY\tTASKS\tSUMMARY\tBINARY"}
	for _, p := range list {
		if p.Error != "" {
			rows = append(rows, fmt.Sprintf("%s\t\t\t\t%s\t%s", p.Name, oneLine(p.Error, 100), p.Path))
			continue
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", p.Name, p.Method.Version, p.Method.Family, strings.Join(p.Method.Tasks, ","), p.Method.Summary, p.Path))
	}
	return columns(a.out, rows)
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
	rows := []string{"citation\t" + m.Citation, "family\t" + m.Family, "tasks\t" + strings.Join(m.Tasks, ", "), "answers in modes\t" + strings.Join(m.Modes, ", "),
		fmt.Sprintf("resumes\t%v", m.Resume), "binary\t" + p.Path, "sha256\t" + p.SHA256}
	if len(m.Stages) > 0 {
		rows = append(rows, "stages\t"+strings.Join(m.Stages, ", "))
	}
	if len(m.Supervision) > 0 {
		rows = append(rows, "extra supervision\t"+strings.Join(m.Supervision, ", "))
	}
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
	if len(p.Choices) > 0 {
		s += ", " + strings.Join(p.Choices, " | ")
	}
	switch {
	case p.Min != nil && p.Max != nil:
		s += fmt.Sprintf(", %g to %g", *p.Min, *p.Max)
	case p.Min != nil:
		s += fmt.Sprintf(", %g or more", *p.Min)
	case p.Max != nil:
		s += fmt.Sprintf(", up to %g", *p.Max)
	}
	if p.Unit != "" {
		s += ", " + p.Unit
	}
	return s + fmt.Sprintf(" (default %v)", p.Default)
}
