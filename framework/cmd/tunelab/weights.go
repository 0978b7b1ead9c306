package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tunelab/tunelab/framework/llm/weights"
)

type weightsCmd struct {
	Model string `short:"m" help:"Hugging Face model folder, or \"embedded\"." placeholder:"DIR" xor:"of"`
	Run_  string `name:"run" help:"Run whose result is looked at, beside the model it started from." placeholder:"RUN" xor:"of"`
}

func (c *weightsCmd) Run(a *app) error {
	if c.Model == "" && c.Run_ == "" {
		return &codeError{exitUsage, errors.New("give --model DIR or --run ID")}
	}
	l, err := a.open()
	if err != nil {
		return err
	}
	defer l.Close()
	var list, base []weights.Named
	if c.Run_ != "" {
		if list, err = l.RunWeights(a.ctx, c.Run_); err != nil {
			return err
		}
		if base, err = l.RunBase(a.ctx, c.Run_); err != nil {
			return err
		}
	} else if list, err = l.Weights(a.ctx, c.Model); err != nil {
		return err
	}
	all := weights.Summarise(list, base)
	if a.json {
		return printJSON(a.out, all)
	}
	rows := []string{"WEIGHT\tSHAPE\tMEAN\tSTD\tNORM\tCHANGE"}
	for _, s := range all {
		change := ""
		if s.Change != nil {
			change = fmt.Sprintf("%.3g", *s.Change)
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%.4g\t%.4g\t%.4g\t%s", s.Name, strings.Trim(fmt.Sprint(s.Shape), "[]"), s.Mean, s.Std, s.Norm, change))
	}
	return columns(a.out, rows)
}
