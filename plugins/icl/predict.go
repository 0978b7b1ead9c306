package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/plugin/sdk/prompt"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
)

// predictor renders shots before each item and leaves the answer to the
// shared inference.
type predictor struct {
	base    *tune.Predictor
	task    spec.Task
	pool    []spec.Example
	nearest *index // nil: every item gets the whole pool
	k       int
}

func newPredictor(in *sdk.Input, lm *tune.LM, pool []spec.Example) *predictor {
	p := &predictor{task: in.Spec.Task, pool: pool, k: in.Params.Int("k")}
	p.task.Stop = append(slices.Clone(p.task.Stop), p.task.Separator) // the next example begins there
	p.base = &tune.Predictor{LM: lm, Task: p.task, Seed: in.Spec.Seed}
	if in.Params.String("selection") == "nearest" && p.k > 0 {
		p.nearest = newIndex(pool)
	}
	return p
}

func (p *predictor) Close() error { return p.base.Close() }

func (p *predictor) Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	prompted := make([]spec.Item, len(items))
	kept := map[string]int{}
	for i, it := range items {
		text, k, err := p.render(mode, it)
		if err != nil {
			return err
		}
		prompted[i] = it
		prompted[i].Prompt = text
		kept[it.ID] = k
	}
	return p.base.Predict(ctx, mode, prompted, func(pr spec.Prediction) error {
		pr.Shots = kept[pr.ID]
		return emit(pr)
	})
}

// render fits as many shots as the context takes beside the longest answer
// that the mode may need.
func (p *predictor) render(mode string, it spec.Item) (string, int, error) {
	if it.Prompt == "" { // plain text to score, no task
		return "", 0, nil
	}
	shots := p.pool
	if p.nearest != nil {
		shots = p.nearest.top(it.Prompt, p.k)
	}
	rendered := make([]string, len(shots))
	for i, e := range shots {
		rendered[i] = prompt.Shot(p.task, e)
	}
	room := p.base.LM.Room(p.answerTokens(mode, it))
	text, kept, ok := prompt.Fit(p.task, rendered, it.Prompt, room, p.base.LM.Tokens)
	if !ok {
		return "", 0, fmt.Errorf("item %s: the bare question takes %d tokens, %d fit: shorten it", it.ID, p.base.LM.Tokens(it.Prompt), room)
	}
	return text, kept, nil
}

// answerTokens is the room an answer needs. Generation keeps a share of the
// context at most, so that shots are not dropped for a length never reached.
func (p *predictor) answerTokens(mode string, it spec.Item) int {
	longest := 0
	texts := it.Choices
	switch {
	case mode == spec.ModeGenerate:
		return min(p.task.MaxNew, p.base.LM.Model.ContextLength()/4)
	case mode == spec.ModeLogprobs:
		texts = []string{it.Target}
	case len(texts) == 0:
		texts = p.task.Labels
	}
	for _, t := range texts {
		longest = max(longest, p.base.LM.Tokens(p.task.Delimiter+t)+1)
	}
	return longest
}
