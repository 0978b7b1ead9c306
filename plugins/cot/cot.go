package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/compute"
	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
)

// cot shows worked examples (Wei et al. 2022) and, with samples above 1, takes
// the majority of sampled answers (self-consistency, Wang et al. 2023).
type cot struct{}

func (cot) Describe() spec.Method {
	return spec.Method{
		Name: "cot", Version: "0.1.0", Family: "prompting",
		Summary:     "chain of thought: worked examples before the question, reasoning before the answer",
		Citation:    "Wei et al. 2022, Chain-of-Thought Prompting Elicits Reasoning in Large Language Models; Wang et al. 2023, Self-Consistency Improves Chain of Thought Reasoning in Language Models",
		Tasks:       []string{spec.Generation},
		Engines:     compute.Engines(),
		Modes:       []string{spec.ModeGenerate},
		Supervision: []string{"reasoning"},
	}
}

func (cot) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "k", Type: "int", Default: 4, Min: spec.At(0), Max: spec.At(64), Unit: "examples", Description: "worked examples before the question; those that do not fit the context are dropped, the effective k is recorded", Source: "Wei et al. 2022, section 3.1 (eight)"},
		{Name: "samples", Type: "int", Default: 1, Min: spec.At(1), Max: spec.At(100), Description: "reasoning paths; above 1 the majority answer wins", Source: "Wang et al. 2023, section 2"},
		{Name: "temperature", Type: "float", Default: 0.7, Min: spec.At(0), Max: spec.At(10), Description: "of the sampled paths; with samples 1 decoding is greedy", Source: "Wang et al. 2023, section 3.1"},
		{Name: "max_new_tokens", Type: "int", Default: 128, Min: spec.At(1), Max: spec.At(4096), Unit: "tokens", Description: "length of reasoning and answer; the context's end comes first", Source: "transformers GenerationConfig"},
	}}
}

const shotsFile = "shots.jsonl"

// Validate implements sdk.Validator.
func (cot) Validate(in *sdk.Input) spec.Diagnostics { return tune.NeedsDecoder(in) }

// Estimate counts parameters; nothing trains.
func (cot) Estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return spec.Estimate{}, err
	}
	n := int64(lm.Model.ParamCount())
	return spec.Estimate{TotalParams: n, MemoryBytes: 4 * n}, nil
}

// Run chooses the worked examples.
func (m cot) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	pool, err := sdk.ReadExamples(in.Train)
	if err != nil {
		return err
	}
	var worked []spec.Example
	for _, e := range pool {
		if e.Reasoning != "" {
			worked = append(worked, e)
		}
	}
	if len(worked) == 0 && in.Params.Int("k") > 0 {
		return sdk.Fail("task.reasoning", "no training example has worked reasoning", "name its template in the task, or use k: 0")
	}
	k := min(in.Params.Int("k"), len(worked))
	perm := spec.Stream(in.Spec.Seed, spec.StreamShots).Perm(len(worked))
	shots, silent := make([]spec.Example, k), 0
	for j, i := range perm[:k] {
		if shots[j] = worked[i]; answer(shots[j].Reasoning) == "" {
			silent++
		}
	}
	if silent > 0 {
		out.Log("warning", fmt.Sprintf(`the reasoning of %d of %d worked examples does not say "The answer is": the model will not learn from them where its answer stands; see the task's reasoning template`, silent, k))
	}
	if err := writeShots(filepath.Join(out.ArtifactDir(), shotsFile), shots); err != nil {
		return err
	}
	out.Metric("cot/k", 0, float64(k))
	out.Cost().LabelledExamples = int64(k)
	out.Cost().ExtraSupervision = map[string]int{"reasoning": k}
	return m.effective(in, out, shots)
}

func writeShots(path string, shots []spec.Example) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the worked examples: %w", err)
	}
	defer f.Close()
	enc := json.NewEncoder(f)
	for _, e := range shots {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("write the worked examples: %w", err)
		}
	}
	return f.Close()
}

// effective records how many shots fit the context before the validation
// questions, on average; what each test item got stands in its prediction.
func (cot) effective(in *sdk.Input, out *sdk.Output, shots []spec.Example) error {
	val, err := sdk.ReadExamples(in.Validation)
	if err != nil || len(val) == 0 || len(shots) == 0 {
		return err
	}
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return err
	}
	p, total := newPredictor(in, lm, shots), 0
	for _, e := range val {
		_, kept, err := p.render(spec.Item{ID: e.ID, Prompt: e.Prompt})
		if err != nil {
			return err
		}
		total += kept
	}
	out.Metric("cot/effective_k", 0, float64(total)/float64(len(val)))
	return nil
}

func (cot) Predictor(ctx context.Context, in *sdk.Input) (sdk.Predictor, error) {
	lm, err := tune.Open(in.ModelDir, in.Spec.Compute)
	if err != nil {
		return nil, err
	}
	shots, err := sdk.ReadExamples(filepath.Join(in.Artifacts, shotsFile))
	if err != nil {
		return nil, err
	}
	return newPredictor(in, lm, shots), nil
}
