package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	_ "github.com/tunelab/tunelab/framework/compute/cpu"
	_ "github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/sdk/prompt"
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
		Modes:       []string{spec.ModeGenerate},
		Supervision: []string{"reasoning"},
	}
}

func (cot) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "k", Type: "int", Default: 4, Min: spec.At(0), Max: spec.At(64), Unit: "examples", Description: "worked examples before the question; those that do not fit the context are dropped, the effective k is recorded", Source: "Wei et al. 2022, section 3.1 (eight)"},
		{Name: "samples", Type: "int", Default: 1, Min: spec.At(1), Max: spec.At(100), Description: "reasoning paths; above 1 the majority answer wins", Source: "Wang et al. 2023, section 2"},
		{Name: "temperature", Type: "float", Default: 0.7, Min: spec.At(0), Max: spec.At(10), Description: "of the sampled paths; with samples 1 decoding is greedy", Source: "Wang et al. 2023, section 3.1"},
		{Name: "max_new_tokens", Type: "int", Default: 128, Min: spec.At(1), Max: spec.At(4096), Unit: "tokens", Description: "length of reasoning and answer; the context's end comes first"},
	}}
}

const shotsFile = "shots.jsonl"

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
func (cot) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
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
	f, err := os.Create(filepath.Join(out.ArtifactDir(), shotsFile))
	if err != nil {
		return fmt.Errorf("write the worked examples: %w", err)
	}
	defer f.Close()
	enc := json.NewEncoder(f)
	for _, i := range perm[:k] {
		if err := enc.Encode(worked[i]); err != nil {
			return fmt.Errorf("write the worked examples: %w", err)
		}
	}
	out.Metric("cot/k", 0, float64(k))
	out.Cost().LabelledExamples = int64(k)
	out.Cost().ExtraSupervision = map[string]int{"reasoning": k}
	return f.Close()
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
	return &predictor{in: in, lm: lm, shots: shots}, nil
}

type predictor struct {
	in    *sdk.Input
	lm    *tune.LM
	shots []spec.Example
}

func (p *predictor) Close() error { return nil }

func (p *predictor) Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	if mode != spec.ModeGenerate {
		return fmt.Errorf("prediction mode %q is not one cot answers; it generates", mode)
	}
	task := p.in.Spec.Task
	rendered := make([]string, len(p.shots))
	for i, e := range p.shots {
		rendered[i] = prompt.Reasoned(task, e)
	}
	maxNew := p.in.Params.Int("max_new_tokens")
	// A quarter of the context is kept for the reasoning at least; it ends at
	// the context's end and is scored as it stands.
	room := p.lm.Room(min(maxNew, p.lm.Model.ContextLength()/4))
	prompts, kept := make([]string, len(items)), make([]int, len(items))
	for i, it := range items {
		text, k, ok := prompt.Fit(task, rendered, it.Prompt, room, p.lm.Tokens)
		if !ok {
			if n := p.lm.Tokens(it.Prompt); n > p.lm.Room(1) {
				return fmt.Errorf("item %s: the bare question takes %d tokens, the context is %d: shorten it", it.ID, n, p.lm.Model.ContextLength())
			}
			text, k = it.Prompt, 0
		}
		prompts[i], kept[i] = text, k
	}
	o := tune.GenerateOptions{MaxNew: maxNew, Samples: p.in.Params.Int("samples"), Seed: p.in.Spec.Seed,
		Stop: append(slices.Clone(task.Stop), task.Separator)}
	if o.Samples > 1 {
		o.Temperature = p.in.Params.Float("temperature")
	}
	return p.lm.Generate(ctx, prompts, o, func(i int, s []generate.Result) error {
		texts := make([]string, len(s))
		n := 0
		for j := range s {
			texts[j] = s[j].Text
			n += len(s[j].IDs)
		}
		pr := spec.Prediction{ID: items[i].ID, Text: texts[majority(texts)], Finish: s[0].Finish, Shots: kept[i],
			PromptTokens: p.lm.Tokens(prompts[i]), GeneratedTokens: n}
		if len(texts) > 1 {
			pr.Samples = texts
		}
		return emit(pr)
	})
}
