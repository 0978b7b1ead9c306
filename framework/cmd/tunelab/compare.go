package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/lab"
)

type compareCmd struct {
	Study    string   `arg:"" optional:"" help:"Study file (YAML; STUDIES.md lists its fields)." type:"existingfile"`
	Show     string   `help:"Print the table of a study that has run; run nothing." placeholder:"NAME"`
	Name     string   `help:"Name of the study." placeholder:"NAME"`
	Model    string   `short:"m" help:"Hugging Face model folder; default: the embedded model." placeholder:"DIR"`
	Task     []string `short:"t" help:"Task file or embedded task; repeat for more." placeholder:"TASK" sep:"none"`
	Method   []string `help:"Method, as NAME, NAME:rank=8;alpha=16 or LABEL=NAME:...; repeat for more." placeholder:"METHOD" sep:"none"`
	Seed     []int64  `help:"Seeds; default 42." placeholder:"N,..."`
	Examples int      `help:"Labelled training examples that every method gets; 0: all." placeholder:"N"`
	Test     int      `help:"Test examples asked of every method; 0: all." placeholder:"N"`
	Threads  int      `help:"Threads; never changes the numbers. 0: all cores." placeholder:"N"`
	Out      string   `short:"o" help:"Folder for the report; default: reports/NAME in the state folder." placeholder:"DIR"`
}

func (c *compareCmd) Run(a *app) error {
	if c.Show != "" {
		l, err := a.open()
		if err != nil {
			return err
		}
		defer l.Close()
		return a.report(l, c.Show, c.Out)
	}
	s, err := c.study()
	if err != nil {
		return err
	}
	return a.compare(s, c.Out)
}

// study is the study file with the flags in place of its fields.
func (c *compareCmd) study() (*lab.Study, error) {
	s := &lab.Study{}
	if c.Study != "" {
		var err error
		if s, err = lab.LoadStudy(c.Study); err != nil {
			return nil, err
		}
	}
	if c.Name != "" {
		s.Name = c.Name
	}
	if c.Model != "" {
		s.Model = fromHere(c.Model)
	}
	if len(c.Task) > 0 {
		s.Tasks = nil
		for _, t := range c.Task {
			s.Tasks = append(s.Tasks, fromHere(t))
		}
	}
	if len(c.Method) > 0 {
		s.Methods = nil
		for _, m := range c.Method {
			label, name, params, err := parseMethod(m)
			if err != nil {
				return nil, err
			}
			s.Methods = append(s.Methods, lab.MethodEntry{Name: name, Label: label, Params: params})
		}
	}
	if len(c.Seed) > 0 {
		s.Seeds = c.Seed
	}
	if c.Examples > 0 {
		s.Budget.Examples = c.Examples
	}
	if c.Test > 0 {
		s.Test = c.Test
	}
	if c.Threads > 0 {
		s.Compute.Threads = c.Threads
	}
	if c.Study == "" && (len(c.Task) == 0 || len(c.Method) == 0) {
		return nil, &codeError{exitUsage, errors.New("give a study file, or --task and --method; tunelab compare --help")}
	}
	return s, nil
}

// fromHere makes a path on the command line independent of the study file's
// folder; names of embedded tasks and models stay.
func fromHere(p string) string {
	if _, err := os.Stat(p); err != nil || slices.Contains(lab.EmbeddedTasks(), p) {
		return p
	}
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

// compare runs a study and prints its table. Runs that failed stand in the
// table; they make the command fail after it.
func (a *app) compare(s *lab.Study, out string) error {
	l, done, err := a.work()
	if err != nil {
		return err
	}
	defer l.Close()
	err = l.RunStudy(a.ctx, s)
	done()
	var failed *lab.RunsFailed
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	return errors.Join(a.report(l, s.Name, out), err)
}

// report prints a study's table and writes its report.
func (a *app) report(l *lab.Lab, name, out string) error {
	r, err := l.Report(a.ctx, name)
	if err != nil {
		return err
	}
	if out == "" {
		out = filepath.Join(a.dir, "reports", name)
	}
	if err := r.Write(out); err != nil {
		return err
	}
	if a.json {
		return r.JSON(a.out)
	}
	if err := r.Text(a.out); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nReport: %s\nRuns:   %s (tunelab runs list)\n", filepath.Join(out, "report.html"), filepath.Join(a.dir, "tunelab.db"))
	return nil
}

type demoCmd struct {
	Out string `short:"o" help:"Folder for the report; default: reports/demo in the state folder." placeholder:"DIR"`
}

func (c *demoCmd) Run(a *app) error {
	s, err := lab.Demo()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "The nine methods on the embedded model: %d tasks, one budget, recorded in %s.\n", len(s.Tasks), a.dir)
	return a.compare(s, c.Out)
}
