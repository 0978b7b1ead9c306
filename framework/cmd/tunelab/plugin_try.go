package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/conformance"
)

type pluginCmd struct {
	New  pluginNewCmd  `cmd:"" help:"Write a new method plugin: a folder that builds and passes the tests unchanged."`
	Test pluginTestCmd `cmd:"" help:"Try a plugin, in whatever language, against everything that one must do."`
}

type pluginTestCmd struct {
	Binary string            `arg:"" help:"The plugin's binary." type:"existingfile"`
	Set    []string          `help:"A parameter of every run." placeholder:"NAME=VALUE" sep:"none"`
	Long   []string          `help:"A parameter that makes a run long enough to be stopped." placeholder:"NAME=VALUE" sep:"none"`
	Waive  map[string]string `help:"A check that does not apply, with the reason; it stands in the report." placeholder:"CHECK=REASON"`
	Grace  time.Duration     `help:"How long a run may take to stop." default:"20s"`
}

// Help lists the checks, for --help.
func (pluginTestCmd) Help() string {
	var b strings.Builder
	b.WriteString("Checks:\n")
	for _, c := range conformance.Checks() {
		fmt.Fprintf(&b, "\n  %-17s %s", c.ID, c.About)
	}
	return b.String()
}

func (c *pluginTestCmd) Run(a *app) error {
	params, err := parseParams("--set", c.Set)
	if err != nil {
		return err
	}
	long, err := parseParams("--long", c.Long)
	if err != nil {
		return err
	}
	o := conformance.Options{Binary: c.Binary, Params: params, Long: long, Waive: c.Waive, Grace: c.Grace}
	if !a.json {
		o.Progress = func(check string) { fmt.Fprintf(a.err, "checking %s\n", check) }
	}
	r, err := conformance.Run(a.ctx, o)
	if err != nil {
		return err
	}
	if a.json {
		if err := printJSON(a.out, r); err != nil {
			return err
		}
	} else {
		r.Write(a.out)
	}
	var names []string
	for _, f := range r.Failed() {
		names = append(names, f.Check)
	}
	if len(names) > 0 {
		return fmt.Errorf("%s does not conform: %s", c.Binary, strings.Join(names, ", "))
	}
	return nil
}
