package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/bench"
)

// figures is what both sides print of a measurement.
type figures struct {
	TokensPerSecond float64           `json:"tokens_per_second"`
	PeakMemory      int64             `json:"peak_memory_bytes"`
	Machine         *bench.Machine    `json:"machine"`  // of ours
	Versions        map[string]string `json:"versions"` // of theirs
}

// measured is a pair of a row, with a figure of each round.
type measured struct {
	work
	pair
	ours, torch []figures
	refused     string // why ours has none
}

// row measures a row: in every round each pair, one side after the other, the
// order changing from round to round.
func (r *run) row(ctx context.Context, w work) ([]measured, error) {
	out := make([]measured, len(w.pairs))
	for i, p := range w.pairs {
		out[i].work, out[i].pair = w, p
	}
	for round := range r.rounds {
		for i := range out {
			m := &out[i]
			sides := []func() error{
				func() error { return r.ours(ctx, m) },
				func() error { return r.theirs(ctx, m) },
			}
			if round%2 == 1 {
				slices.Reverse(sides)
			}
			for _, side := range sides {
				if err := side(); err != nil {
					return nil, err
				}
			}
			if m.refused != "" && round > 0 {
				continue
			}
			fmt.Fprintf(os.Stderr, "round %d, %s, %s against %s: %s, PyTorch %s\n", round+1, w.name, m.pair.ours, m.pair.torch, last(m.ours), last(m.torch))
		}
	}
	return out, nil
}

func last(f []figures) string {
	if len(f) == 0 {
		return "none"
	}
	return fmt.Sprintf("%.0f tokens/s and %d MiB", f[len(f)-1].TokensPerSecond, f[len(f)-1].PeakMemory>>20)
}

// ours measures tunelab; a precision that it refuses once is not asked again.
func (r *run) ours(ctx context.Context, m *measured) error {
	if m.refused != "" {
		return nil
	}
	args := []string{"bench", "train", "--config", m.train.Config, "--method", m.train.Method, "--batch", fmt.Sprint(m.train.Batch), "--seq", fmt.Sprint(m.train.Seq),
		"--steps", fmt.Sprint(m.train.Steps)}
	if g := m.generate; g.Config != "" {
		args = []string{"bench", "generate", "--config", g.Config, "--streams", fmt.Sprint(g.Streams), "--prompt", fmt.Sprint(g.Prompt), "--new-tokens", fmt.Sprint(g.NewTokens),
			"--rounds", fmt.Sprint(g.Rounds)}
	}
	args = append(args, "--precision", m.pair.ours, "--threads", fmt.Sprint(r.threads), "--json")
	var f figures
	err := output(ctx, &f, r.tunelab, args...)
	if err != nil && strings.Contains(err.Error(), "precision:") {
		m.refused = m.pair.ours
		return nil
	}
	m.ours = append(m.ours, f)
	return err
}

// theirs measures PyTorch; once is enough where ours has nothing to compare.
func (r *run) theirs(ctx context.Context, m *measured) error {
	if m.refused != "" && len(m.torch) > 0 {
		return nil
	}
	t, g := m.train, m.generate
	t.Precision, t.Threads, g.Precision, g.Threads = m.pair.torch, r.threads, m.pair.torch, r.threads
	q := bench.Request{Train: &t}
	if g.Config != "" {
		q = bench.Request{Generate: &g}
	}
	raw, err := json.Marshal(q)
	if err != nil {
		return err
	}
	var f figures
	if err := output(ctx, &f, r.python, r.script, string(raw)); err != nil {
		return err
	}
	m.torch = append(m.torch, f)
	return nil
}

// output runs a program and reads the JSON that it prints.
func output(ctx context.Context, v any, program string, args ...string) error {
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, strings.TrimSpace(errOut.String()))
	}
	if err := json.Unmarshal(out.Bytes(), v); err != nil {
		return fmt.Errorf("%s %s printed no JSON: %w", program, strings.Join(args, " "), err)
	}
	return nil
}
