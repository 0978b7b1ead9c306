package tune

import (
	"context"
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Predictor answers items with an adapted model. With a label head, labels
// mode gives the head's logits; without, the log-likelihood of each label's
// text after the prompt. A prompt too long for the context loses its front, as
// in training.
type Predictor struct {
	LM   *LM // nil: an encoder, which has labels alone
	Task spec.Task
	Seed int64
	// MaxLength cuts inputs of the label head, as in training; 0: the context.
	MaxLength int

	labels labeller // nil: no label head
}

// Predict implements sdk.Predictor.
func (p *Predictor) Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	if p.LM == nil && mode != spec.ModeLabels {
		return fmt.Errorf("prediction mode %s: an encoder does not write: it gives the labels of its task alone (mode %s)", mode, spec.ModeLabels)
	}
	switch mode {
	case spec.ModeLabels:
		if p.labels != nil {
			return p.headLabels(ctx, items, emit)
		}
		return p.each(ctx, items, emit, func(s *generate.Scorer, it spec.Item) (spec.Prediction, error) {
			return p.choices(s, it, p.Task.Labels)
		})
	case spec.ModeChoices:
		return p.each(ctx, items, emit, func(s *generate.Scorer, it spec.Item) (spec.Prediction, error) {
			choices := it.Choices
			if len(choices) == 0 {
				choices = p.Task.Labels
			}
			return p.choices(s, it, choices)
		})
	case spec.ModeLogprobs:
		return p.each(ctx, items, emit, p.logprobs)
	case spec.ModeGenerate:
		return p.generate(ctx, items, emit)
	}
	return fmt.Errorf("prediction mode %q is not one this method answers", mode)
}

func (p *Predictor) objective() objective {
	if p.labels != nil {
		return objective{labels: p.labels}
	}
	return objective{text: p.LM.Model}
}

// Close frees nothing: the process ends with the predictor.
func (p *Predictor) Close() error { return nil }

// each answers items one after the other with one scorer, so that what the
// prompts share is computed once.
func (p *Predictor) each(ctx context.Context, items []spec.Item, emit func(spec.Prediction) error, one func(*generate.Scorer, spec.Item) (spec.Prediction, error)) error {
	s := generate.NewScorer(p.LM.Model)
	defer s.Free()
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := s.FLOPs()
		pr, err := one(s, it)
		if err != nil {
			return fmt.Errorf("item %s: %w", it.ID, err)
		}
		pr.ID, pr.PromptTokens, pr.FLOPs = it.ID, p.LM.Tokens(it.Prompt), s.FLOPs()-before
		if err := emit(pr); err != nil {
			return err
		}
	}
	return nil
}

func (p *Predictor) choices(s *generate.Scorer, it spec.Item, choices []string) (spec.Prediction, error) {
	if len(choices) == 0 {
		return spec.Prediction{}, fmt.Errorf("it has no choices and the task no labels")
	}
	with := make([]string, len(choices))
	for i, c := range choices {
		with[i] = p.Task.Delimiter + c
	}
	all, err := s.Continuations(p.LM.Tok, it.Prompt, with)
	var pr spec.Prediction
	for _, c := range all {
		pr.Scores, pr.Lengths = append(pr.Scores, c.LogLikelihood), append(pr.Lengths, len(c.LogProbs))
	}
	return pr, err
}

// logprobs scores a target and, after a prompt, the end token; a text without
// a prompt is scored as it stands. A prompt too long for the context loses its
// front.
func (p *Predictor) logprobs(s *generate.Scorer, it spec.Item) (spec.Prediction, error) {
	target := it.Target
	if it.Prompt != "" {
		target = p.Task.Delimiter + target
	}
	ids, n := generate.EncodePair(p.LM.Tok, it.Prompt, target)
	if end := p.LM.Tok.EOS(); it.Prompt != "" && end >= 0 {
		ids = append(ids, end)
	}
	ids, n, ok := generate.CutFront(p.LM.Tok, ids, n, p.LM.Model.ContextLength())
	if !ok {
		return spec.Prediction{}, fmt.Errorf("the target alone takes %d tokens, the model's context is %d: shorten it", len(ids)-n, p.LM.Model.ContextLength())
	}
	lp, err := s.Tails([][]int{ids}, []int{n})
	if err != nil {
		return spec.Prediction{}, err
	}
	return spec.Prediction{Logprobs: lp[0]}, nil
}

func (p *Predictor) generate(ctx context.Context, items []spec.Item, emit func(spec.Prediction) error) error {
	prompts := make([]string, len(items))
	for i, it := range items {
		prompts[i] = it.Prompt
	}
	o := GenerateOptions{MaxNew: p.Task.MaxNew, Stop: p.Task.Stop, Seed: p.Seed, Cut: true}
	return p.LM.Generate(ctx, prompts, o, func(i int, s []generate.Result) error {
		return emit(spec.Prediction{ID: items[i].ID, Text: s[0].Text, Finish: s[0].Finish,
			PromptTokens: p.LM.Tokens(prompts[i]), GeneratedTokens: len(s[0].IDs), FLOPs: s[0].FLOPs})
	})
}

// headLabels batches inputs through the model and its label head.
func (p *Predictor) headLabels(ctx context.Context, items []spec.Item, emit func(spec.Prediction) error) error {
	limit := p.MaxLength
	if limit == 0 {
		limit = p.labels.ContextLength()
	}
	seqs := make([]sequence, len(items))
	for i, it := range items {
		if seqs[i], _ = p.labels.encode(it.Input, limit); len(seqs[i].ids) == 0 {
			return fmt.Errorf("item %s: its input encodes to no tokens", it.ID)
		}
	}
	at := 0
	for _, part := range byTokens(seqs, evalTokens) {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := autograd.NewTape(p.labels.Engine(), false)
		var logits []float32
		tokens := (&encoded{seqs: part}).tokens()
		err := autograd.Catch(func() { logits = p.labels.logits(t, part).Value() })
		t.Release()
		if err != nil {
			return err
		}
		perToken := float64(t.FLOPs()) / float64(tokens)
		c := len(logits) / len(part)
		for i, s := range part {
			scores := make([]float64, c)
			for j := range scores {
				scores[j] = float64(logits[i*c+j])
			}
			if err := emit(spec.Prediction{ID: items[at].ID, Scores: scores, PromptTokens: len(s.ids), FLOPs: perToken * float64(len(s.ids))}); err != nil {
				return err
			}
			at++
		}
	}
	return nil
}
