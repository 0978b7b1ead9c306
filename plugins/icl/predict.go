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
	shots   []string // rendered, for every item
	nearest *index   // instead of shots: finds them for each item
	k       int
}

func newPredictor(in *sdk.Input, lm *tune.LM, pool []spec.Example) *predictor {
	p := &predictor{task: in.Spec.Task, k: in.Params.Int("k")}
	if sep := p.task.Separator; sep != "" {
		p.task.Stop = append(slices.Clone(p.task.Stop), sep) // the next example begins there
	}
	p.base = &tune.Predictor{LM: lm, Task: p.task, Seed: in.Spec.Seed}
	if in.Params.String("selection") == "nearest" && p.k > 0 {
		p.nearest = newIndex(pool)
		return p
	}
	for _, e := range pool {
		p.shots = append(p.shots, prompt.Shot(p.task, e))
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
// that the mode may need. A bare question that leaves less room is asked all
// the same while it fits itself; where a target follows it, it loses its front
// as under every method.
func (p *predictor) render(mode string, it spec.Item) (string, int, error) {
	if it.Prompt == "" { // plain text to score, no task
		return "", 0, nil
	}
	shots := p.shots
	if p.nearest != nil {
		shots = nil
		for _, e := range p.nearest.top(it.Prompt, p.k) {
			shots = append(shots, prompt.Shot(p.task, e))
		}
	}
	lm := p.base.LM
	text, kept, ok := prompt.Fit(p.task, shots, it.Prompt, lm.Room(p.answerTokens(mode, it)), lm.Tokens)
	if ok {
		return text, kept, nil
	}
	if n := lm.Tokens(it.Prompt); n > lm.Room(1) && mode != spec.ModeLogprobs {
		return "", 0, fmt.Errorf("item %s: the bare question takes %d tokens, the context is %d: shorten it", it.ID, n, lm.Model.ContextLength())
	}
	return it.Prompt, 0, nil
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
