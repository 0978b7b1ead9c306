package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/tunelab/tunelab/framework/lab"
)

type traceCmd struct {
	Model       string   `short:"m" help:"Hugging Face model folder, or \"embedded\"." placeholder:"DIR" required:""`
	IDs         string   `name:"ids" help:"JSONL file of {\"ids\": [...]}; - for standard input." placeholder:"FILE" required:""`
	Method      string   `help:"What trains: full or lora." enum:"full,lora" default:"full"`
	Steps       int      `help:"Optimiser steps." default:"10"`
	Batch       int      `help:"Sequences in a step." default:"4"`
	LR          float64  `name:"lr" help:"Learning rate, constant." default:"1e-4"`
	WeightDecay float64  `help:"Of matrices; biases and norms have none." default:"0"`
	Clip        float64  `help:"Largest gradient norm; 0: no clipping." default:"1"`
	LoraR       *int     `name:"lora-r" help:"Rank; default: 8." placeholder:"R"`
	LoraAlpha   *float64 `name:"lora-alpha" help:"The update is scaled by alpha / r; default: 16." placeholder:"X"`
	Targets     []string `name:"target-modules" help:"Modules to adapt, comma-separated; default: PEFT's for the family, where it has some, else q_proj and v_proj." placeholder:"A,B"`
	Init        string   `name:"lora-init-adapter" help:"PEFT folder to start from, in place of a new adapter." placeholder:"DIR"`
	Seed        int64    `help:"Seed of a new adapter." default:"42"`
	Precision   string   `help:"Of matrix products: f32, or bf16 with f32 sums." enum:"f32,bf16" default:"f32"`
	Threads     int      `help:"Threads; never changes the numbers. 0: all cores." placeholder:"N"`
	Save        string   `help:"Folder for the trained model or adapter." placeholder:"DIR"`
}

func (c *traceCmd) Run(a *app) error {
	switch {
	case c.Steps < 1 || c.Batch < 1:
		return &codeError{exitUsage, errors.New("--steps and --batch are 1 at least")}
	case !(c.LR >= 0) || math.IsInf(c.LR, 0) || !(c.WeightDecay >= 0) || !(c.Clip >= 0):
		return &codeError{exitUsage, errors.New("--lr, --weight-decay and --clip are numbers from 0 on")}
	case c.Method == "full" && (c.Init != "" || len(c.Targets) > 0 || c.LoraR != nil || c.LoraAlpha != nil):
		return &codeError{exitUsage, errors.New("the flags of an adapter need --method lora")}
	case c.Init != "" && (len(c.Targets) > 0 || c.LoraR != nil || c.LoraAlpha != nil):
		return &codeError{exitUsage, errors.New("--lora-init-adapter says rank, alpha and modules itself; leave --lora-r, --lora-alpha and --target-modules out")}
	case c.LoraR != nil && *c.LoraR < 1 || c.LoraAlpha != nil && !(*c.LoraAlpha > 0):
		return &codeError{exitUsage, errors.New("--lora-r is 1 at least, --lora-alpha above 0")}
	}
	rank, alpha := 8, 16.0
	if c.LoraR != nil {
		rank = *c.LoraR
	}
	if c.LoraAlpha != nil {
		alpha = *c.LoraAlpha
	}
	in := source{IDs: c.IDs}
	lines, err := in.lines()
	if err != nil {
		return err
	}
	ids := make([][]int, len(lines))
	for i, l := range lines {
		ids[i] = l.IDs
	}
	if !a.json {
		fmt.Fprintf(a.out, "%6s  %-12s %s\n", "STEP", "LOSS", "GRADIENT NORM")
	}
	return a.models().Trace(a.ctx, ids, lab.TraceOptions{Model: c.Model, LoRA: c.Method == "lora", Steps: c.Steps, Batch: c.Batch, LR: c.LR, WeightDecay: c.WeightDecay, Clip: c.Clip,
		Precision: c.Precision, Threads: c.Threads, Rank: rank, Alpha: alpha, Targets: c.Targets, Init: c.Init, Seed: c.Seed, Save: c.Save},
		func(s lab.TraceStep) error {
			if a.json {
				return printLines(a.out, []lab.TraceStep{s})
			}
			_, err := fmt.Fprintf(a.out, "%6d  %-12.8g %.8g\n", s.Step, s.Loss, s.GradNorm)
			return err
		})
}
