package main

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/bench"
)

type benchTrainCmd struct {
	Config    string `help:"Shape: tiny, llama-15m, gpt2, smollm-135m or distilbert." enum:"tiny,llama-15m,gpt2,smollm-135m,distilbert" default:"tiny"`
	Method    string `help:"full, lora (rank 8 on every linear layer) or qlora (the same on weights in 4 bits)." enum:"full,lora,qlora" default:"full"`
	Batch     int    `help:"Sequences in a step." default:"8"`
	Seq       int    `help:"Tokens in a sequence." default:"128"`
	Steps     int    `help:"Steps; the first is not in the median, if there are more." default:"10"`
	Precision string `help:"Arithmetic: f32 or bf16." enum:"f32,bf16" default:"f32"`
	Threads   int    `help:"Threads. 0: all cores." placeholder:"N"`
	Profile   bool   `help:"Also time every op: where the step's time goes."`

	Checkpointing bool `help:"Compute blocks again in the backward pass instead of keeping what is inside them."`
}

func (c *benchTrainCmd) Run(a *app) error {
	var r bench.TrainResult
	if err := bench.Isolated(a.ctx, worker, bench.Request{Train: &bench.TrainOptions{Config: c.Config, Method: c.Method, Batch: c.Batch, Seq: c.Seq,
		Steps: c.Steps, Precision: c.Precision, Threads: c.Threads, Profile: c.Profile, Checkpointing: c.Checkpointing}}, &r); err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, r)
	}
	fmt.Fprintln(a.out, machineLine(r.Machine))
	if err := columns(a.out, []string{
		fmt.Sprintf("tokens a second\t%.0f", r.TokensPerSecond),
		fmt.Sprintf("step (median)\t%.1f ms, %.1f GFLOP/s", r.StepMSMedian, r.GFLOPS),
		fmt.Sprintf("peak memory\t%d MiB", r.PeakMemory>>20),
		fmt.Sprintf("parameters\t%d, %d of them train", r.Parameters, r.Trainable),
		fmt.Sprintf("loss\t%.4f to %.4f in %d steps", r.Losses[0], r.Losses[len(r.Losses)-1], r.Steps),
	}); err != nil || !c.Profile {
		return err
	}
	for _, part := range []struct {
		title string
		rows  []bench.OpTime
	}{{"OP", bench.ByOp(r.Profile)}, {"OP AND ARGUMENTS", r.Profile}} {
		rows := []string{"\n" + part.title + "\tMS A STEP\tSHARE\tCALLS\tGFLOP/s\tGB/s"}
		for _, t := range part.rows {
			name := t.Op + " " + t.Shape
			if t.Op == "" {
				name = "(outside of ops)"
			}
			rows = append(rows, fmt.Sprintf("%s\t%.2f\t%.1f%%\t%.0f\t%.1f\t%.1f", name, t.MS, 100*t.Share, t.Calls, t.GFLOPS, t.GBS))
		}
		if err := columns(a.out, rows); err != nil {
			return err
		}
	}
	return nil
}
