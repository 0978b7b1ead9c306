package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/sdk/prompt"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
)

// predictor shows worked examples before each item and lets the model reason.
type predictor struct {
	in    *sdk.Input
	lm    *tune.LM
	shots []string // rendered
}

func newPredictor(in *sdk.Input, lm *tune.LM, shots []spec.Example) *predictor {
	p := &predictor{in: in, lm: lm}
	for _, e := range shots {
		p.shots = append(p.shots, prompt.Reasoned(in.Spec.Task, e))
	}
	return p
}

func (p *predictor) Close() error { return nil }

// render fits as many shots as leave a quarter of the context for the
// reasoning, or max_new_tokens where that is less. A bare question that leaves
// less than that is asked all the same: the reasoning ends at the context's end
// and is scored as it stands.
func (p *predictor) render(it spec.Item) (text string, kept int, err error) {
	room := p.lm.Room(min(p.in.Params.Int("max_new_tokens"), p.lm.Model.ContextLength()/4))
	text, kept, ok := prompt.Fit(p.in.Spec.Task, p.shots, it.Prompt, room, p.lm.Tokens)
	if ok {
		return text, kept, nil
	}
	if n := p.lm.Tokens(it.Prompt); n > p.lm.Room(1) {
		return "", 0, fmt.Errorf("item %s: the bare question takes %d tokens, the context is %d: shorten it", it.ID, n, p.lm.Model.ContextLength())
	}
	return it.Prompt, 0, nil
}

func (p *predictor) Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	if mode != spec.ModeGenerate {
		return fmt.Errorf("prediction mode %q is not one cot answers; it generates", mode)
	}
	prompts, kept := make([]string, len(items)), make([]int, len(items))
	for i, it := range items {
		var err error
		if prompts[i], kept[i], err = p.render(it); err != nil {
			return err
		}
	}
	task := p.in.Spec.Task
	o := tune.GenerateOptions{MaxNew: p.in.Params.Int("max_new_tokens"), Samples: p.in.Params.Int("samples"), Seed: p.in.Spec.Seed, Stop: slices.Clone(task.Stop)}
	if task.Separator != "" { // the next example begins there
		o.Stop = append(o.Stop, task.Separator)
	}
	if o.Samples > 1 {
		o.Temperature = p.in.Params.Float("temperature")
	}
	return p.lm.Generate(ctx, prompts, o, func(i int, s []generate.Result) error {
		pr := conclude(s)
		pr.ID, pr.Shots, pr.PromptTokens = items[i].ID, kept[i], p.lm.Tokens(prompts[i])
		return emit(pr)
	})
}

// conclude makes one answer of an item's reasoning paths: the first that comes
// to the majority's answer. Its text is the whole reasoning, its answer what the
// reasoning ends in.
func conclude(paths []generate.Result) spec.Prediction {
	var pr spec.Prediction
	texts := make([]string, len(paths))
	for j, r := range paths {
		texts[j] = r.Text
		pr.GeneratedTokens += len(r.IDs)
		pr.FLOPs += r.FLOPs
	}
	chosen := majority(texts)
	pr.Text, pr.Answer, pr.Finish = texts[chosen], answer(texts[chosen]), paths[chosen].Finish
	if len(texts) > 1 {
		pr.Samples = texts
	}
	return pr
}
