package main

import (
	"fmt"
	"os"
	"time"

	"github.com/tunelab/tunelab/framework/bench"
)

type benchCmd struct {
	Kernels  benchKernelsCmd  `cmd:"" help:"Every kernel: its rate, and the share of this machine's measured peak."`
	Train    benchTrainCmd    `cmd:"" help:"Steps of training a model of random weights."`
	Generate benchGenerateCmd `cmd:"" help:"Greedy generation by a model of random weights."`
	Worker   benchWorkerCmd   `cmd:"" hidden:"" help:"Do a measurement that another process asks for."`
}

// worker are the arguments of benchWorkerCmd.
var worker = []string{"bench", "worker"}

type benchWorkerCmd struct{}

func (c *benchWorkerCmd) Run(a *app) error { return bench.Work(a.ctx, os.Stdin, a.out) }

type benchKernelsCmd struct {
	Ops     []string      `name:"op" help:"Ops whose names begin so, comma-separated; default: all." placeholder:"A,B"`
	Threads int           `help:"Threads. 0: all cores." placeholder:"N"`
	Span    time.Duration `help:"Time spent on each kernel." default:"100ms"`
}

func (c *benchKernelsCmd) Run(a *app) error {
	r, err := bench.Kernels(a.ctx, bench.KernelOptions{Ops: c.Ops, Threads: c.Threads, Span: c.Span}, a.meter("kernel"))
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, r)
	}
	fmt.Fprintf(a.out, "%s\npeaks: fused multiply-adds %.0f GFLOP/s; reads of", machineLine(r.Machine), r.FMA)
	for _, p := range r.Read {
		fmt.Fprintf(a.out, " %.3g MiB %.0f GB/s", float64(p.Bytes)/(1<<20), p.GBS)
	}
	fmt.Fprint(a.out, "\n\n")
	rows := []string{"OP\tCALL\tTIME (us)\tGFLOP/s\tGB/s\tBOUND BY\tOF PEAK\tARGUMENTS"}
	for _, k := range r.Kernels {
		rows = append(rows, fmt.Sprintf("%s\t%s\t%.1f\t%.1f\t%.1f\t%s\t%.0f%%\t%s", k.Op, k.What, k.US, k.GFLOPS, k.GBS, k.Bound, 100*k.Share, k.Shape))
	}
	return columns(a.out, rows)
}

func machineLine(m bench.Machine) string {
	return fmt.Sprintf("%s, %d cores, %d MiB, %d threads of %s, load %.1f", m.CPU, m.Cores, m.Memory>>20, m.Threads, m.Features, m.Load)
}
