package main

import (
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/tunelab/tunelab/framework/lab"
)

// source is where generate and score get their model and texts.
type source struct {
	Model   string `short:"m" help:"Hugging Face model folder, or \"embedded\"." placeholder:"DIR" xor:"of"`
	Adapter string `help:"PEFT folder to put on the model." placeholder:"DIR"`
	Run_    string `name:"run" help:"Finished run whose result answers." placeholder:"RUN" xor:"of"`
	IDs     string `name:"ids" help:"JSONL file of {\"ids\": [...]}; - for standard input. With --model only." placeholder:"FILE" xor:"in"`
	Text    string `help:"JSONL file of {\"text\": \"...\"}; - for standard input." placeholder:"FILE" xor:"in"`
	Threads int    `help:"Threads; never changes the numbers. 0: all cores." placeholder:"N"`
}

// lines reads the input; each line has ids or a text.
func (s *source) lines() ([]lab.Line, error) {
	path := s.IDs
	if path == "" {
		path = s.Text
	}
	if path == "-" {
		return lab.ReadLines(os.Stdin, "standard input", s.IDs != "")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return lab.ReadLines(f, path, s.IDs != "")
}

func (s *source) check(haveText bool) error {
	switch {
	case s.Model == "" && s.Run_ == "":
		return &codeError{exitUsage, errors.New("give --model DIR or --run ID")}
	case s.Adapter != "" && s.Model == "":
		return &codeError{exitUsage, errors.New("--adapter goes on a --model")}
	case s.IDs == "" && s.Text == "" && !haveText:
		return &codeError{exitUsage, errors.New("give the input: --text FILE or --ids FILE")}
	case s.Run_ != "" && s.IDs != "":
		return &codeError{exitUsage, errors.New("--ids needs --model: a run's plugin takes texts; use --text")}
	}
	return nil
}

type scoreCmd struct {
	source
}

// scored is one line of score's JSON.
type scored struct {
	Logprobs []float64 `json:"logprobs"`
}

func (c *scoreCmd) Run(a *app) error {
	if err := c.check(false); err != nil {
		return err
	}
	in, err := c.lines()
	if err != nil {
		return err
	}
	var out [][]float64
	if c.Run_ != "" {
		l, err := a.open()
		if err != nil {
			return err
		}
		defer l.Close()
		out, err = l.ScoreRun(a.ctx, c.Run_, in, a.meter("scored"))
		if err != nil {
			return err
		}
	} else {
		m, err := a.models().Open(a.ctx, c.Model, c.Adapter, c.Threads)
		if err != nil {
			return err
		}
		defer m.Close()
		if out, err = m.Score(in, a.meter("scored")); err != nil {
			return err
		}
	}
	if a.json {
		lines := make([]scored, len(out))
		for i, lp := range out {
			lines[i].Logprobs = append([]float64{}, lp...) // none is [], not null
		}
		loss, ppl := lab.Perplexity(out...)
		fmt.Fprintf(a.err, "in all: %.6g nats a token, perplexity %.6g\n", loss, ppl)
		return printLines(a.out, lines)
	}
	rows := []string{"LINE\tTOKENS\tNATS PER TOKEN\tPERPLEXITY"}
	for i, lp := range out {
		if len(lp) == 0 {
			rows = append(rows, fmt.Sprintf("%d\t0\t-\t-", i+1)) // nothing is predicted
			continue
		}
		loss, ppl := lab.Perplexity(lp)
		rows = append(rows, fmt.Sprintf("%d\t%d\t%.4f\t%.4f", i+1, len(lp), loss, ppl))
	}
	loss, ppl := lab.Perplexity(out...)
	if math.IsNaN(loss) {
		return errors.New("no line has two tokens, so that nothing is predicted")
	}
	return columns(a.out, append(rows, fmt.Sprintf("all\t\t%.4f\t%.4f", loss, ppl)))
}

type generateCmd struct {
	source
	Prompt       []string          `short:"p" help:"Prompt; repeat for more." sep:"none"`
	Field        map[string]string `help:"With --run: field of the task's prompt template, as NAME=TEXT; repeat for more." placeholder:"F=TEXT" mapsep:"none"`
	MaxNewTokens *int              `help:"Most new tokens; default: the model's, else 128." placeholder:"N"`
	Greedy       bool              `help:"Take the likeliest token each time." xor:"how"`
	Temperature  float64           `help:"Draw at this temperature; 0 is greedy." placeholder:"T" xor:"how"`
	TopP         float64           `help:"Draw from the likeliest tokens that reach this probability; 0: off." placeholder:"P"`
	TopK         int               `help:"Draw from the k likeliest tokens; 0: off." placeholder:"K"`
	Samples      int               `name:"num-samples" aliases:"samples" help:"Continuations of each prompt." default:"1"`
	Seed         int64             `help:"Seed of the draws." default:"42"`
}

// generated is one line of generate's JSON.
type generated struct {
	IDs    []int  `json:"ids,omitempty"`
	Text   string `json:"text"`
	Finish string `json:"finish"`
}

func (c *generateCmd) Run(a *app) error {
	if err := c.check(len(c.Prompt) > 0 || len(c.Field) > 0); err != nil {
		return err
	}
	if c.Temperature == 0 && (c.TopP != 0 || c.TopK != 0 || c.Samples > 1) {
		return &codeError{exitUsage, errors.New("--top-p, --top-k and --num-samples need a --temperature above 0; without one the likeliest token is taken")}
	}
	var in []lab.Line
	if c.IDs != "" || c.Text != "" {
		var err error
		if in, err = c.lines(); err != nil {
			return err
		}
	}
	for i := range c.Prompt {
		in = append(in, lab.Line{Text: &c.Prompt[i], Where: fmt.Sprintf("prompt %d", i+1)})
	}
	out, err := c.generate(a, in)
	if err != nil {
		return err
	}
	if a.json {
		return printLines(a.out, out)
	}
	if c.streams(a, in) {
		_, err := fmt.Fprintln(a.out) // it is there already
		return err
	}
	for _, g := range out {
		fmt.Fprintln(a.out, g.Text)
	}
	return nil
}

// most is --max-new-tokens, 0 where it is not given.
func (c *generateCmd) most() int {
	if c.MaxNewTokens == nil {
		return 0
	}
	return *c.MaxNewTokens
}

// streams tells whether a person watches one text come.
func (c *generateCmd) streams(a *app, in []lab.Line) bool {
	return !a.json && c.Run_ == "" && len(in) == 1 && c.Samples == 1 && isTerminal(a.out)
}

func (c *generateCmd) generate(a *app, in []lab.Line) ([]generated, error) {
	if c.MaxNewTokens != nil && *c.MaxNewTokens < 1 {
		return nil, &codeError{exitUsage, errors.New("--max-new-tokens is 1 at least")}
	}
	var out []generated
	if c.Run_ != "" {
		if c.Temperature != 0 || c.TopP != 0 || c.TopK != 0 || c.Samples != 1 {
			return nil, &codeError{exitUsage, errors.New("with --run the run's own method decides how it draws; --temperature, --top-p, --top-k and --num-samples need --model")}
		}
		l, err := a.open()
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ps, err := l.GenerateRun(a.ctx, c.Run_, in, c.Field, c.most(), a.meter("continued"))
		for _, p := range ps {
			out = append(out, generated{Text: p.Text, Finish: p.Finish})
		}
		return out, err
	}
	if len(c.Field) > 0 {
		return nil, &codeError{exitUsage, errors.New("--field fills the template of a run's task; with --model give --prompt")}
	}
	m, err := a.models().Open(a.ctx, c.Model, c.Adapter, c.Threads)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	o := lab.GenerateOptions{MaxNewTokens: c.most(), Temperature: c.Temperature, TopP: c.TopP, TopK: c.TopK, Samples: c.Samples, Seed: c.Seed, Progress: a.meter("continued")}
	if c.streams(a, in) {
		o.Text = func(more string) { fmt.Fprint(a.out, more) }
	}
	rs, err := m.Generate(a.ctx, in, o)
	for _, r := range rs {
		out = append(out, generated{IDs: r.IDs, Text: r.Text, Finish: r.Finish})
	}
	return out, err
}
