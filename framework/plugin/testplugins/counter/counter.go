package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// counter is a method that adds up random numbers. It answers a prompt with its
// last word, a share "skill" of the items, and else says nothing. As "chain" it
// has two stages, and the second goes on from the first one's sum.
type counter struct{ name string }

func (c *counter) Describe() spec.Method {
	if c.name == "slow" {
		time.Sleep(slowness)
	}
	var stages []string
	if c.name == "chain" {
		stages = []string{"first", "second"}
	}
	minor := 0
	if c.name == "asking" {
		minor = 1
	}
	return spec.Method{ProtocolMinor: minor, Stages: stages, Name: c.name, Version: "1.0.0", Summary: "adds up random numbers", Family: "classic", Trains: true, Resume: true,
		Tasks: []string{spec.Generation}, Modes: []string{spec.ModeGenerate}}
}

func (c *counter) Schema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "steps", Type: "int", Default: 6, Min: spec.At(1), Description: "numbers to add up"},
		{Name: "every", Type: "int", Default: 2, Min: spec.At(1), Description: "steps between checkpoints"},
		{Name: "skill", Type: "float", Default: 1.0, Min: spec.At(0), Max: spec.At(1), Description: "share of the items that it answers"},
		{Name: "hold_at", Type: "int", Default: 0, Description: "step at which a fresh run waits to be stopped; 0: none"},
		{Name: "fault", Type: "string", Default: "", Choices: faultNames(), Description: "what goes wrong"},
		{Name: "at", Type: "int", Default: 3, Description: "step at which it goes wrong"},
		{Name: "events", Type: "int", Default: 100_000, Min: spec.At(1), Description: "how many a flood or an hour sends"},
		{Name: "features", Type: "int", Default: 0, Min: spec.At(0), Description: "texts that it asks the host for features of"},
		{Name: "refuse", Type: "bool", Default: false, Description: "Validate finds a mistake"},
	}}
}

func (c *counter) Validate(in *sdk.Input) spec.Diagnostics {
	var ds spec.Diagnostics
	if in.Params.Bool("refuse") {
		ds.Add("params.refuse", "it is true", "leave it false")
	}
	return ds
}

func (c *counter) Estimate(_ context.Context, in *sdk.Input) (spec.Estimate, error) {
	if in.Params.String("fault") == "estimate" {
		return spec.Estimate{MemoryBytes: 1 << 60}, nil
	}
	return spec.Estimate{TrainableParams: 1, Steps: int64(in.Params.Int("steps"))}, nil
}

// state is all that a run consists of.
type state struct {
	Step  int     `json:"step"`
	Sum   float64 `json:"sum"`
	Skill float64 `json:"skill"`
	Miss  bool    `json:"miss"`
}

func (c *counter) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if err := keepGiven(in); err != nil {
		return err
	}
	line, err := lifeline(in.WorkDir)
	if err != nil {
		return err
	}
	f := &fault{kind: in.Params.String("fault"), at: in.Params.Int("at"), in: in, out: out, lifeline: line}
	s := state{Skill: in.Params.Float("skill"), Miss: f.kind == "missing"}
	if first := in.Inputs["first"]; first != "" {
		var before state
		if err := readJSON(filepath.Join(first, "state.json"), &before); err != nil {
			return err
		}
		s.Sum = before.Sum
	}
	if n := in.Params.Int("features"); n > 0 {
		if err := askFeatures(ctx, in, out, n); err != nil {
			return err
		}
	}
	if in.Checkpoint != "" {
		if err := readJSON(filepath.Join(in.Checkpoint, "state.json"), &s); err != nil {
			return err
		}
		saved(in, out, s.Step)
	}
	total := in.Params.Int("steps")
	for s.Step < total {
		s.Step++
		x := spec.Stream(f.seed(), fmt.Sprint("step ", s.Step)).Float64()
		s.Sum += x
		out.Metric("train/loss", int64(s.Step), s.Sum)
		out.Progress(int64(s.Step), int64(total), "train")
		if err := errors.Join(f.strike(s.Step), f.linger(s.Step)); err != nil {
			return err
		}
		if s.Step == in.Params.Int("hold_at") && in.Checkpoint == "" && in.Inputs["first"] == "" {
			<-out.Stopping()
		}
		stop := false
		select {
		case <-out.Stopping():
			stop = f.kind != "ignore-stop"
		default:
		}
		if stop {
			f.lastWords()
		}
		if stop || s.Step%in.Params.Int("every") == 0 && s.Step < total {
			dir := filepath.Join(in.WorkDir, "checkpoints", fmt.Sprint(s.Step))
			if err := errors.Join(writeJSON(filepath.Join(dir, "state.json"), s), out.Checkpoint(int64(s.Step), dir)); err != nil {
				return err
			}
			saved(in, out, s.Step)
		}
		if stop {
			return sdk.ErrStopped
		}
	}
	cost := out.Cost()
	cost.TrainableParams, cost.LabelledExamples, cost.TrainTokens, cost.FLOPs = 1, 4, int64(total), 2*float64(total)
	return writeJSON(filepath.Join(out.ArtifactDir(), "state.json"), s)
}

// askFeatures asks for features of n texts, "0" to n-1, and reports what came of
// the last one, and of all.
func askFeatures(ctx context.Context, in *sdk.Input, out *sdk.Output, n int) error {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	rows, err := sdk.Features{Pooling: "mean", Layer: 0, MaxLength: 3}.Of(ctx, in, texts)
	if err != nil {
		return err
	}
	tokens := 0
	for _, r := range rows {
		tokens += r.Tokens
	}
	last := rows[len(rows)-1].X
	out.Metric("features/last", 0, float64(last[len(last)-1]))
	out.Metric("features/tokens", 0, float64(tokens))
	return nil
}

// saved reports what follows a checkpoint, at its step: a run that goes on from
// there reports it again.
func saved(in *sdk.Input, out *sdk.Output, step int) {
	if step%in.Params.Int("every") == 0 {
		out.Metric("train/saved", int64(step), 1)
	}
}

func (c *counter) Predictor(_ context.Context, in *sdk.Input) (sdk.Predictor, error) {
	p := &predictor{in: in}
	return p, readJSON(filepath.Join(in.Artifacts, "state.json"), &p.state)
}

type predictor struct {
	in *sdk.Input
	state
}

func (p *predictor) Predict(_ context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	raw, err := json.Marshal(items)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "asked in mode %s: %s\n", mode, raw) // the log is all that stays of the questions
	f := &fault{kind: p.in.Params.String("fault")}
	for i, it := range items {
		if p.Miss && i == 1 {
			continue
		}
		if err := f.linger(i + 1); err != nil {
			return err
		}
		pr := spec.Prediction{ID: it.ID, Finish: "stop", PromptTokens: 1, GeneratedTokens: 1}
		if words := strings.Fields(it.Prompt); float64(i) < p.Skill*float64(len(items)) && len(words) > 0 {
			pr.Text = words[len(words)-1]
		}
		if err := emit(pr); err != nil {
			return err
		}
	}
	return nil
}

func (p *predictor) Close() error { return nil }

// keepGiven writes down everything that the run was given: its input, its
// environment and the files it may read.
func keepGiven(in *sdk.Input) error {
	dir := filepath.Join(in.WorkDir, "given")
	if err := errors.Join(writeJSON(filepath.Join(dir, "input.json"), in), writeJSON(filepath.Join(dir, "pid.json"), os.Getpid()), writeJSON(filepath.Join(dir, "environ.json"), os.Environ())); err != nil {
		return err
	}
	for name, path := range map[string]string{"train": in.Train, "validation": in.Validation} {
		if path == "" {
			continue
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".jsonl"), raw, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}

func readJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
