package main

import (
	"errors"
	"fmt"

	"github.com/tunelab/tunelab/framework/lab"
)

type replayCmd struct {
	Run_ string `arg:"" name:"run" help:"Run, by its id or a beginning of it."`
}

func (c *replayCmd) Run(a *app) error {
	l, done, err := a.work()
	if err != nil {
		return &codeError{exitCannot, err}
	}
	defer l.Close()
	r, err := l.Replay(a.ctx, c.Run_)
	done()
	if err != nil {
		return &codeError{exitCannot, fmt.Errorf("cannot replay: %w", err)}
	}
	if a.json {
		if err := printJSON(a.out, r); err != nil {
			return err
		}
	} else {
		printReplay(a, r)
	}
	if !r.Identical {
		return &codeError{exitDifferent, errors.New("the replay differs")}
	}
	return nil
}

func printReplay(a *app, r *lab.Replayed) {
	for _, s := range r.Changed {
		fmt.Fprintln(a.out, "changed", s)
	}
	for _, s := range r.Stages {
		name := s.Run
		if s.Stage != "" {
			name += " (" + s.Stage + ")"
		}
		if s.Difference == "" {
			fmt.Fprintf(a.out, "run %s: bit-identical, replayed as %s\n", name, s.Replay)
		} else {
			fmt.Fprintf(a.out, "run %s: different, replayed as %s: %s\n", name, s.Replay, s.Difference)
		}
	}
	if r.Identical {
		fmt.Fprintf(a.out, "bit-identical: %d metrics, %d answers and %d files compared\n", r.Metrics, r.Answers, r.Files)
	}
}
