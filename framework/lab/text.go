package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune"
	"github.com/tunelab/tunelab/tracking"
)

// ids are lines as tokens; a text gets the special tokens that the tokenizer adds.
func (m *Model) ids(in []Line) ([][]int, error) {
	out := make([][]int, len(in))
	for i, l := range in {
		if out[i] = l.IDs; l.Text == nil {
			continue
		}
		if m.tok == nil {
			return nil, fmt.Errorf("a text needs a tokenizer; give ids: %w", m.noTok)
		}
		out[i] = m.tok.Encode(*l.Text, true)
	}
	return out, nil
}

// Score gives, for each line, the natural-log probability of every token but
// the first, given those before it. progress may be nil.
func (m *Model) Score(in []Line, progress func(done, total int)) ([][]float64, error) {
	if err := m.use(); err != nil {
		return nil, err
	}
	defer m.mu.RUnlock()
	const atOnce = 32
	var out [][]float64
	for lo := 0; lo < len(in); lo += atOnce {
		ids, err := m.ids(in[lo:min(lo+atOnce, len(in))])
		if err != nil {
			return nil, err
		}
		lp, err := generate.ScoreIDs(m.m, ids)
		if err != nil {
			if e := new(generate.SequenceError); errors.As(err, &e) {
				return nil, fmt.Errorf("%s: %w", in[lo+e.Index].at(lo+e.Index), e.Err)
			}
			return nil, fmt.Errorf("from %s on: %w", in[lo].at(lo), err)
		}
		out = append(out, lp...)
		if progress != nil {
			progress(len(out), len(in))
		}
	}
	return out, nil
}

// GenerateOptions of Model.Generate.
type GenerateOptions struct {
	MaxNewTokens int     // 0: generation_config.json's, else 128
	Temperature  float64 // 0: greedy
	TopP         float64 // 0: off
	TopK         int     // 0: off
	Samples      int     // of each prompt; 0: 1
	Seed         int64
	Progress     func(done, total int) // may be nil
	Text         func(more string)     // one prompt and sample only: told of the text as it comes; may be nil
}

// Generate continues each line; the samples of a line stand together. Results
// hold the new tokens alone, the end token included where one was drawn.
func (m *Model) Generate(ctx context.Context, in []Line, o GenerateOptions) ([]generate.Result, error) {
	if err := m.use(); err != nil {
		return nil, err
	}
	defer m.mu.RUnlock()
	prompts, err := m.ids(in)
	if err != nil {
		return nil, err
	}
	g, err := readGeneration(m.dir)
	if err != nil {
		return nil, err
	}
	o.MaxNewTokens = cmp.Or(o.MaxNewTokens, g.MaxNewTokens, 128)
	var onToken func(prompt, sample, id int)
	if o.Text != nil && m.tok != nil {
		onToken = m.streamed(o.Text)
	}
	out, err := generate.Generate(ctx, m.m, prompts, generate.Options{OnToken: onToken, StopIDs: m.stopIDs(), RepetitionPenalty: g.RepetitionPenalty, MaxNewTokens: o.MaxNewTokens, Temperature: o.Temperature, TopP: o.TopP, TopK: o.TopK,
		NumSamples: o.Samples, Tokenizer: m.tok, Seed: spec.StreamSeed(o.Seed, spec.StreamSampling), Progress: o.Progress})
	if e := new(generate.SequenceError); errors.As(err, &e) {
		return nil, fmt.Errorf("%s: %w", in[e.Index].at(e.Index), e.Err)
	}
	return out, err
}

// stopIDs are the tokens that end a text in transformers: those of
// generation_config.json, else of config.json, else the tokenizer's.
func (m *Model) stopIDs() []int {
	c := m.m.Config()
	switch {
	case len(c.StopIDs) > 0:
		return c.StopIDs
	case len(c.EOS) > 0:
		return c.EOS
	case m.tok != nil && m.tok.EOS() >= 0:
		return []int{m.tok.EOS()}
	}
	return []int{}
}

// streamed turns tokens into pieces of text; a character that is not whole yet
// waits for the tokens that complete it.
func (m *Model) streamed(text func(more string)) func(prompt, sample, id int) {
	var ids []int
	said := ""
	return func(_, _, id int) {
		ids = append(ids, id)
		all := m.tok.Decode(ids, true)
		if more, ok := strings.CutPrefix(all, said); ok && !strings.HasSuffix(all, "\uFFFD") {
			text(more)
			said = all
		}
	}
}

// ScoreRun is Score with a finished run's result.
func (l *Lab) ScoreRun(ctx context.Context, id string, in []Line, progress func(done, total int)) ([][]float64, error) {
	items := make([]spec.Item, len(in))
	for i, line := range in {
		items[i] = spec.Item{ID: fmt.Sprint(i), Target: *line.Text}
	}
	var out [][]float64
	err := l.Predict(ctx, id, spec.ModeLogprobs, items, func(p spec.Prediction) error {
		out = append(out, p.Logprobs)
		if progress != nil {
			progress(len(out), len(in))
		}
		return nil
	})
	return out, err
}

// GenerateRun continues texts with a finished run's result, as its method does
// it. Fields fill the prompt template of the run's task, for one prompt more.
// maxNew 0 leaves the length to the task.
func (l *Lab) GenerateRun(ctx context.Context, id string, in []Line, fields map[string]string, maxNew int, progress func(done, total int)) ([]spec.Prediction, error) {
	if err := l.refuseLabelHead(ctx, id); err != nil {
		return nil, err
	}
	var items []spec.Item
	for i, line := range in {
		items = append(items, spec.Item{ID: fmt.Sprint(i), Prompt: *line.Text, Input: *line.Text})
	}
	if len(fields) > 0 {
		it, err := l.renderPrompt(ctx, id, fields)
		if err != nil {
			return nil, err
		}
		it.ID = fmt.Sprint(len(items))
		items = append(items, it)
	}
	var out []spec.Prediction
	err := l.predict(ctx, id, spec.ModeGenerate, items, maxNew, func(p spec.Prediction) error {
		out = append(out, p)
		if progress != nil {
			progress(len(out), len(items))
		}
		return nil
	})
	return out, err
}

// refuseLabelHead fails for a run whose training went into a label head: what
// it writes says nothing of what it learned.
func (l *Lab) refuseLabelHead(ctx context.Context, id string) error {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return err
	}
	files, err := l.Store.Artifacts(ctx, row.ID, tracking.Out)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Path == "result/"+tune.HeadFile {
			return fmt.Errorf("run %s trained a label head, which scores labels and writes nothing; for text train with -p objective=completion", row.ID)
		}
	}
	return nil
}

// Perplexity gives the mean negative log-likelihood over all tokens in nats,
// and its exponential.
func Perplexity(logprobs ...[]float64) (loss, perplexity float64) {
	sum, n := 0.0, 0
	for _, lp := range logprobs {
		for _, v := range lp {
			sum -= v
			n++
		}
	}
	return sum / float64(n), math.Exp(sum / float64(n))
}

// renderPrompt fills the templates of a run's task.
func (l *Lab) renderPrompt(ctx context.Context, id string, fields map[string]string) (spec.Item, error) {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return spec.Item{}, err
	}
	sp, err := specOf(row)
	if err != nil {
		return spec.Item{}, err
	}
	given := map[string]any{}
	for k, v := range fields {
		given[k] = v
	}
	it := spec.Item{Fields: given}
	if it.Prompt, err = render("prompt", sp.Task.Prompt, given); err != nil {
		return it, err
	}
	it.Input = it.Prompt
	if sp.Task.Input != "" {
		it.Input, err = render("input", sp.Task.Input, given)
	}
	return it, err
}

func render(name, template string, fields map[string]any) (string, error) {
	t, err := data.ParseTemplate(name, template)
	if err != nil {
		return "", err
	}
	return t.Render(fields)
}
