// Command compare measures tunelab and PyTorch with transformers and PEFT on
// the same shapes in turn, several rounds, and writes the table of
// docs/benchmarks.md. `make bench` builds what it needs and starts it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

// run is what the flags say.
type run struct {
	tunelab, python, script string
	threads, rounds         int
}

func main() {
	var r run
	names, out := "", ""
	flag.StringVar(&r.tunelab, "tunelab", "bin/tunelab", "the program")
	flag.StringVar(&r.python, "python", ".venv/bench/bin/python", "Python with what torch/requirements.txt lists")
	flag.StringVar(&r.script, "script", "framework/bench/torch/bench.py", "the PyTorch side")
	flag.IntVar(&r.threads, "threads", 2, "threads of each side")
	flag.IntVar(&r.rounds, "rounds", 3, "rounds; each side is measured once in each")
	flag.StringVar(&names, "rows", "", "names of rows, separated by spaces or commas; all if none is given")
	flag.StringVar(&out, "out", "", "the file to write; standard output if none is given")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.all(ctx, names, out); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func (r *run) all(ctx context.Context, names, out string) error {
	if r.rounds < 1 || r.threads < 1 {
		return fmt.Errorf("-rounds and -threads are 1 at least")
	}
	chosen, err := choose(strings.FieldsFunc(names, func(c rune) bool { return c == ' ' || c == ',' }))
	if err != nil {
		return err
	}
	p := page{run: r, load: loads()}
	for _, w := range chosen {
		switch {
		case w.name == gemmRow:
			p.gemm, err = r.gemm(ctx)
		default:
			var cells []measured
			cells, err = r.row(ctx, w)
			p.rows = append(p.rows, cells...)
		}
		if err != nil {
			return fmt.Errorf("row %s: %w", w.name, err)
		}
	}
	p.load = append(p.load, loads()...)
	text := p.markdown()
	if out == "" {
		_, err = os.Stdout.WriteString(text)
		return err
	}
	return os.WriteFile(out, []byte(text), 0o644)
}

// loads is the system's load over the last minute, as one text; none where it
// is not known.
func loads() []string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(raw), " ")
	return []string{first}
}
