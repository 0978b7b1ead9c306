package main

import (
	"errors"
	"fmt"

	"github.com/tunelab/tunelab/framework/lab"
	"github.com/tunelab/tunelab/framework/spec"
)

type runCmd struct {
	Method     string   `arg:"" optional:"" help:"Method, such as lora."`
	Resume     string   `help:"Go on from the last checkpoint of a stopped, crashed or lost run." placeholder:"RUN"`
	Task       string   `short:"t" help:"Task file or embedded task." placeholder:"TASK"`
	Model      string   `short:"m" help:"Hugging Face model folder; default: the embedded model." placeholder:"DIR"`
	Seed       int64    `help:"Seed of every random stream." default:"42"`
	Param      []string `short:"p" help:"Hyper-parameter, as key=value; repeat for more (tunelab plugins describe METHOD lists them)." placeholder:"K=V" sep:"none"`
	Plugin     string   `help:"Path of the plugin binary; default: found by the method's name." placeholder:"FILE"`
	Examples   int      `help:"Labelled training examples; 0: all." placeholder:"N"`
	MaxWall    float64  `help:"Seconds after which the run is ended; it is then not replayable." placeholder:"S"`
	MaxMemory  int64    `help:"MiB of resident memory above which the run is ended." placeholder:"MIB"`
	MaxSpace   int64    `help:"MiB of address space that each of its processes may take (Linux)." placeholder:"MIB"`
	MaxCPU     int64    `help:"CPU seconds that each of its processes may take (Linux)." name:"max-cpu" placeholder:"S"`
	MaxFiles   int64    `help:"Files that each of its processes may have open (Linux)." placeholder:"N"`
	Threads    int      `help:"Threads; never changes the numbers. 0: all cores." placeholder:"N"`
	Precision  string   `help:"Of matrix products: f32, or bf16 with f32 sums." enum:"f32,bf16" default:"f32"`
	Engine     string   `help:"Compute engine: cpu, or ref (the slow reference)." enum:"cpu,ref" default:"cpu"`
	Experiment string   `help:"Experiment that the run is recorded in." default:"runs" placeholder:"NAME"`
	Label      string   `help:"Name of the run; default: the method's." placeholder:"NAME"`
}

func (c *runCmd) Run(a *app) error {
	switch {
	case c.Resume != "" && (c.Method != "" || c.Task != ""):
		return &codeError{exitUsage, errors.New("--resume takes the method, task and parameters from the run; give it alone")}
	case c.Resume == "" && (c.Method == "" || c.Task == ""):
		return &codeError{exitUsage, errors.New("give a method and --task, or --resume RUN; tunelab run --help")}
	}
	params, err := parseParams("--param", c.Param)
	if err != nil {
		return &codeError{exitUsage, err}
	}
	l, done, err := a.work()
	if err != nil {
		return err
	}
	defer l.Close()
	var id string
	if c.Resume != "" {
		id, err = l.Resume(a.ctx, c.Resume)
	} else {
		id, err = l.RunOne(a.ctx, lab.One{Method: c.Method, Plugin: c.Plugin, Model: c.Model, Task: c.Task, Seed: c.Seed, Params: params,
			Budget: spec.Budget{Examples: c.Examples, MaxWallSeconds: c.MaxWall, MaxMemoryBytes: c.MaxMemory << 20,
				Limits: spec.Limits{AddressSpaceBytes: c.MaxSpace << 20, CPUSeconds: c.MaxCPU, OpenFiles: c.MaxFiles}},
			Compute: spec.Compute{Engine: c.Engine, Precision: c.Precision, Threads: c.Threads}, Experiment: c.Experiment, Label: c.Label})
	}
	done()
	if err != nil {
		return err
	}
	if a.json {
		shown, err := l.ShowRun(a.ctx, id)
		if err != nil {
			return err
		}
		return printJSON(a.out, shown)
	}
	shown, err := l.ShowRun(a.ctx, id)
	if err != nil {
		return err
	}
	for _, s := range shown.Scores {
		fmt.Fprintf(a.out, "%s on %s (%s): %.4f  (%d items)\n", s.Metric, s.Task, s.Split, s.Value, s.N)
	}
	fmt.Fprintf(a.out, "run %s finished; more: tunelab runs show %s\n", id, id)
	return nil
}
