package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type modelCmd struct {
	Inspect inspectCmd `cmd:"" help:"Show a model's family, modules, memory by method, and what all-linear would adapt."`
}

type inspectCmd struct {
	Model string `arg:"" help:"Hugging Face model folder, or \"embedded\"."`
	NF4   string `name:"nf4" help:"Quantise this tensor to NF4 and print the digests of codes and values instead." placeholder:"TENSOR"`
}

func (c *inspectCmd) Run(a *app) error {
	if c.NF4 != "" {
		w, err := a.models().InspectNF4(a.ctx, c.Model, c.NF4)
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(a.out, w)
		}
		return columns(a.out, []string{"tensor\t" + w.Tensor, "shape\t" + dims(w.Shape), "sha256 of the packed codes\t" + w.Packed, "sha256 of the dequantised float32\t" + w.Dequantised})
	}
	m, err := a.models().Inspect(a.ctx, c.Model)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.out, m)
	}
	fmt.Fprintf(a.out, "%s, %d parameters, sha256 %s\n\n", m.Family, m.Params, m.SHA256)
	rows := []string{"MODULE\tSHAPE\tPARAMETERS\tALL-LINEAR"}
	for _, mod := range m.Modules {
		mark := ""
		if slices.Contains(m.AllLinear, mod.Name) {
			mark = "yes"
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%d\t%s", mod.Name, dims(mod.Shape), mod.Params, mark))
	}
	if err := columns(a.out, rows); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nlora's default targets: %s\n\n", strings.Join(m.LoRATarget, ", "))
	rows = []string{"MEMORY\tMIB"}
	for _, k := range []string{"f32", "bf16", "nf4"} {
		rows = append(rows, fmt.Sprintf("weights in %s\t%.1f", k, m.WeightMiB[k]))
	}
	rows = append(rows, "\t", "WEIGHTS, GRADIENTS AND MOMENTS\tMIB")
	for _, k := range slices.Sorted(maps.Keys(m.MethodMiB)) {
		rows = append(rows, fmt.Sprintf("%s\t%.1f", k, m.MethodMiB[k]))
	}
	return columns(a.out, rows)
}

// dims writes a shape as 2 x 3.
func dims(shape []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", " x ")
}
