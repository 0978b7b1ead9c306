package main

import (
	"fmt"
	"time"

	"github.com/tunelab/tunelab/framework/lab"
)

type pretrainCmd struct {
	To      string `arg:"" name:"dir" help:"Folder for the model; framework/base/model for the one that is embedded at the next build."`
	Steps   int    `help:"Optimiser steps; default: the embedded model's." placeholder:"N"`
	Seed    int64  `help:"Seed of weights and corpus." default:"1"`
	Threads int    `help:"Threads; never changes the numbers. 0: all cores." placeholder:"N"`
}

func (c *pretrainCmd) Run(a *app) error {
	start, last := time.Now(), time.Now()
	loss := 0.0
	cfg := lab.DefaultPretrain()
	cfg.Seed, cfg.Threads = c.Seed, c.Threads
	if c.Steps > 0 {
		cfg.Steps = c.Steps
	}
	err := lab.Pretrain(a.ctx, cfg, c.To, func(u lab.PretrainUpdate) {
		loss = u.Loss
		if time.Since(last) < 5*time.Second && u.Step != u.Steps {
			return
		}
		last = time.Now()
		left := time.Duration(float64(time.Since(start)) * float64(u.Steps-u.Step) / float64(u.Step))
		fmt.Fprintf(a.err, "step %d of %d, loss %.4f, %.0f tokens/s, about %s left\n", u.Step, u.Steps, u.Loss, u.TokensPerSecond, duration(left))
	})
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, map[string]any{"dir": c.To, "steps": cfg.Steps, "loss": loss})
	}
	fmt.Fprintf(a.out, "wrote %s after %d steps, last loss %.4f\n", c.To, cfg.Steps, loss)
	return nil
}
