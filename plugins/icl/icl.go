package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
)

// icl puts k training examples before the item (Brown et al. 2020, Language
// Models are Few-Shot Learners, section 2). Its artifact is the pool of
// examples that the shots come from.
type icl struct{}

func (icl) Describe() spec.Method {
	return spec.Method{
		Name: "icl", Version: "0.1.0", Family: "prompting",
		Summary:  "in-context learning: k solved examples before the question, no training",
		Citation: "Brown et al. 2020, Language Models are Few-Shot Learners, section 2",
		Tasks:    []string{spec.Classification, spec.Generation, spec.Instruction},
		Modes:    []string{spec.ModeLabels, spec.ModeChoices, spec.ModeGenerate, spec.ModeLogprobs},
	}
}

func (icl) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "k", Type: "int", Default: 8, Min: spec.At(0), Max: spec.At(256), Unit: "examples", Description: "solved examples before the question; those that do not fit the context are dropped, the effective k is recorded", Source: "Brown et al. 2020, section 2"},
		{Name: "selection", Type: "string", Default: "random", Choices: []string{"random", "balanced", "nearest"}, Description: "which examples: the same random ones for every item, the same number per label, or the nearest by shared words (TF-IDF cosine)", Source: "nearest: Liu et al. 2022, What Makes Good In-Context Examples for GPT-3?, section 3"},
		{Name: "order", Type: "string", Default: "random", Choices: []string{"random", "dataset"}, Description: "order of the shots; nearest puts the most similar last", Source: "Lu et al. 2022, Fantastically Ordered Prompts, section 2"},
	}}
}

const poolFile = "pool.jsonl"

// Estimate counts the forward passes: none of them trains.
func (icl) Estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return spec.Estimate{}, err
	}
	n := int64(lm.Model.ParamCount())
	return spec.Estimate{TotalParams: n, MemoryBytes: 4 * n}, nil
}

// Run keeps the examples that shots are chosen from, in the seed's order.
func (m icl) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	pool, err := sdk.ReadExamples(in.Train)
	if err != nil {
		return err
	}
	if len(pool) == 0 && in.Params.Int("k") > 0 {
		return sdk.Fail("params.k", "the training split is empty", "use k: 0 or give training examples")
	}
	used := pool
	if in.Params.String("selection") != "nearest" {
		used = choose(pool, in)
		out.Metric("icl/k", 0, float64(len(used)))
	}
	out.Cost().LabelledExamples = int64(len(used))
	f, err := os.Create(filepath.Join(out.ArtifactDir(), poolFile))
	if err != nil {
		return fmt.Errorf("write the examples: %w", err)
	}
	defer f.Close()
	enc := json.NewEncoder(f)
	for _, e := range used {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("write the examples: %w", err)
		}
	}
	return f.Close()
}

// choose picks the shots that every item gets.
func choose(pool []spec.Example, in *sdk.Input) []spec.Example {
	k := min(in.Params.Int("k"), len(pool))
	perm := spec.Stream(in.Spec.Seed, spec.StreamShots).Perm(len(pool))
	picked := make([]int, 0, k)
	if in.Params.String("selection") == "balanced" {
		taken := map[int]bool{}
		for len(picked) < k { // one example a label and round
			seen := map[int]bool{}
			for _, i := range perm {
				if l := pool[i].Label; !taken[i] && !seen[l] && len(picked) < k {
					taken[i], seen[l] = true, true
					picked = append(picked, i)
				}
			}
		}
	} else {
		picked = append(picked, perm[:k]...)
	}
	if in.Params.String("order") == "dataset" {
		sortInts(picked)
	}
	out := make([]spec.Example, k)
	for j, i := range picked {
		out[j] = pool[i]
	}
	return out
}

func (icl) Predictor(ctx context.Context, in *sdk.Input) (sdk.Predictor, error) {
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return nil, err
	}
	pool, err := sdk.ReadExamples(filepath.Join(in.Artifacts, poolFile))
	if err != nil {
		return nil, err
	}
	return newPredictor(in, lm, pool), nil
}
