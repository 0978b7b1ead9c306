package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/compute"
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
		Tasks:    []string{spec.Classification, spec.Generation, spec.Instruction, spec.Preference},
		Engines:  compute.Engines(),
		Modes:    []string{spec.ModeLabels, spec.ModeChoices, spec.ModeGenerate, spec.ModeLogprobs},
	}
}

func (icl) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "k", Type: "int", Default: 8, Min: spec.At(0), Max: spec.At(256), Unit: "examples", Description: "solved examples before the question; those that do not fit the context are dropped, the effective k is recorded", Source: "Brown et al. 2020, section 2"},
		{Name: "selection", Type: "string", Default: "random", Choices: []string{"random", "balanced", "nearest"}, Description: "which examples: the same random ones for every item, the same number per label, or the nearest by shared words (TF-IDF cosine)", Source: "nearest: Liu et al. 2022, What Makes Good In-Context Examples for GPT-3?, section 3"},
		{Name: "order", Type: "string", Default: "random", Choices: []string{"random", "dataset"}, Description: "order of the shots that every item gets; nearest always puts the most similar last", Source: "Lu et al. 2022, Fantastically Ordered Prompts, section 2"},
	}}
}

const poolFile = "pool.jsonl"

// Validate implements sdk.Validator.
func (icl) Validate(in *sdk.Input) spec.Diagnostics { return tune.NeedsDecoder(in) }

// Estimate counts parameters; nothing trains.
func (icl) Estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return spec.Estimate{}, err
	}
	n := int64(lm.Model.ParamCount())
	return spec.Estimate{TotalParams: n, MemoryBytes: 4 * n}, nil
}

// Run keeps the examples that shots are chosen from, in the order in which they
// are shown.
func (m icl) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	pool, err := sdk.ReadExamples(in.Train)
	if err != nil {
		return err
	}
	k := in.Params.Int("k")
	if len(pool) == 0 && k > 0 {
		return sdk.Fail("params.k", "the training split is empty", "use k: 0 or give training examples")
	}
	if k == 0 || in.Params.String("selection") != "nearest" {
		pool = choose(pool, in)
	}
	out.Cost().LabelledExamples = int64(len(pool))
	out.Metric("icl/k", 0, float64(min(k, len(pool))))
	if err := writePool(filepath.Join(out.ArtifactDir(), poolFile), pool); err != nil {
		return err
	}
	return m.effective(in, out, pool)
}

func writePool(path string, pool []spec.Example) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the examples: %w", err)
	}
	defer f.Close()
	enc := json.NewEncoder(f)
	for _, e := range pool {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("write the examples: %w", err)
		}
	}
	return f.Close()
}

// effective records how many shots fit the context before the validation
// questions, on average; what each test item got stands in its prediction.
func (icl) effective(in *sdk.Input, out *sdk.Output, pool []spec.Example) error {
	val, err := sdk.ReadExamples(in.Validation)
	if err != nil || len(val) == 0 || len(pool) == 0 {
		return err
	}
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return err
	}
	mode := spec.ModeGenerate
	if len(in.Spec.Task.Labels) > 0 {
		mode = spec.ModeLabels
	}
	p, total := newPredictor(in, lm, pool), 0
	for _, e := range val {
		_, kept, err := p.render(mode, spec.Item{ID: e.ID, Prompt: e.Prompt, Choices: e.Choices})
		if err != nil {
			return err
		}
		total += kept
	}
	out.Metric("icl/effective_k", 0, float64(total)/float64(len(val)))
	return nil
}

// choose picks the shots that every item gets, in the order in which they are
// shown.
func choose(pool []spec.Example, in *sdk.Input) []spec.Example {
	k := min(in.Params.Int("k"), len(pool))
	rng := spec.Stream(in.Spec.Seed, spec.StreamShots)
	picked := rng.Perm(len(pool))
	if in.Params.String("selection") == "balanced" {
		picked = balance(pool, picked, k, rng)
	}
	picked = picked[:k]
	if in.Params.String("order") == "dataset" {
		slices.Sort(picked)
	}
	out := make([]spec.Example, k)
	for j, i := range picked {
		out[j] = pool[i]
	}
	return out
}

// balance takes one example of each label a round, in the order of perm, until
// it has k. Each round is shuffled: labels would otherwise stand in the order
// of their frequency, the rarest nearest to the question. Rounds stay whole, so
// that shots which are dropped from the front leave the rest balanced.
func balance(pool []spec.Example, perm []int, k int, rng *rand.Rand) []int {
	var picked []int
	for len(picked) < k {
		var round, rest []int
		seen := map[int]bool{}
		for _, i := range perm {
			if l := pool[i].Label; seen[l] {
				rest = append(rest, i)
			} else {
				seen[l] = true
				round = append(round, i)
			}
		}
		rng.Shuffle(len(round), func(a, b int) { round[a], round[b] = round[b], round[a] })
		picked, perm = append(picked, round...), rest
	}
	return picked
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
