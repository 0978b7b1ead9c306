package main

import (
	"errors"
	"fmt"
)

type exportCmd struct {
	Run_  string `arg:"" name:"run" help:"Run, by its id or a beginning of it."`
	Dir   string `arg:"" optional:"" name:"dir" help:"Folder to make; the same as --to."`
	To    string `help:"Folder to make, which PEFT or transformers loads." placeholder:"DIR"`
	Merge bool   `help:"Write a whole model: the adapter merged into its base, in float32."`
}

func (c *exportCmd) Run(a *app) error {
	if (c.Dir == "") == (c.To == "") {
		return &codeError{exitUsage, errors.New("give the folder to make, once: --to DIR")}
	}
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	x, err := l.ExportTo(a.ctx, c.Run_, c.Dir+c.To, c.Merge)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, x)
	}
	fmt.Fprintf(a.out, "wrote %s (%s)\n", x.Dir, x.Kind)
	if x.Difference != nil {
		fmt.Fprintf(a.out, "merging moved log-probabilities of a text by %.1g nats at most\n", *x.Difference)
	}
	for _, note := range x.Notes {
		fmt.Fprintf(a.out, "note: %s\n", note)
	}
	return nil
}
