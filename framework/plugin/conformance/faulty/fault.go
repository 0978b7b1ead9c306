package main

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// faulty is a method with one fault.
type faulty struct {
	sdk.Method
	name    string
	schemas int // times that the schema was asked for
	child   *exec.Cmd
}

// lax forgets the ranges once the description and the schema were sent.
func (f *faulty) Schema() spec.Schema {
	s := f.Method.Schema()
	if f.schemas++; f.name == "lax" && f.schemas > 2 {
		for i := range s.Params {
			p := &s.Params[i]
			p.Min, p.Max = nil, nil
		}
	}
	return s
}

func (f *faulty) Describe() spec.Method {
	d := f.Method.Describe()
	if f.name == "unversioned" {
		d.Version = "new"
	}
	return d
}

func (f *faulty) Estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	est, err := f.Method.Estimate(ctx, in)
	if f.name == "liar" {
		est.TrainableParams /= 2
	}
	return est, err
}

// start begins a process that leaves the plugin's process group, but for "forks".
func (f *faulty) start() error {
	f.child = exec.Command("sleep", "300")
	f.child.SysProcAttr = &syscall.SysProcAttr{Setsid: f.name != "forks"}
	return f.child.Start()
}

// end is the orderly end of the plugin, which does not come when the host dies.
func (f *faulty) end() {
	if f.name == "orphans" && f.child != nil {
		_ = f.child.Process.Kill()
		_ = f.child.Wait()
	}
}

func (f *faulty) Run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	long := in.Params.Int("max_steps") > 1000
	switch f.name {
	case "leaks":
		if !long {
			if err := f.start(); err != nil {
				return err
			}
		}
	case "orphans":
		if long { // short runs are killed by the kit, which no plugin survives to clean up
			if err := f.start(); err != nil {
				return err
			}
		}
	case "litters":
		if err := os.WriteFile(filepath.Join(os.TempDir(), "scratch"), nil, 0o644); err != nil {
			return err
		}
	case "forks":
		if err := f.start(); err != nil {
			return err
		}
		os.Exit(0)
	case "base":
		path := filepath.Join(in.ModelDir, "config.json")
		raw, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, append(raw, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	case "huge":
		out.Log("info", string(make([]byte, 20<<20)))
	case "empty":
		return nil
	case "seedless":
		in.Spec.Seed = time.Now().UnixNano()
	case "crashes":
		if in.Params.Float("learning_rate") > 1 {
			os.Exit(4)
		}
	}
	return f.relayed(ctx, in, out, long)
}

// relayed runs the method in this process and passes on what it reports, less
// what the fault loses.
func (f *faulty) relayed(ctx context.Context, in *sdk.Input, out *sdk.Output, long bool) error {
	total := int64(in.Params.Int("max_steps"))
	stop := out.Stopping()
	if f.name == "ignores-stop" {
		stop = nil
	}
	if f.name == "forgets" && in.Checkpoint != "" {
		in.Spec.Seed++ // the data's order goes on as another run's
	}
	cost, err := sdk.RunLocal(ctx, f.Method, in, sdk.Events{
		Stop: stop,
		Metric: func(name string, step int64, v float64) {
			if f.name == "last" && step == total || f.name == "gaps" && long && step%50 == 0 {
				return
			}
			out.Metric(name, step, v)
		},
		Log: out.Log,
		Checkpoint: func(step int64, dir string) {
			if f.name == "keeps-none" {
				return
			}
			if err := out.Checkpoint(step, dir); err != nil {
				out.Log("error", err.Error())
			}
		},
	})
	*out.Cost() = cost
	if f.name == "liar" {
		out.Cost().TrainableParams /= 2
	}
	return err
}

func (f *faulty) Predictor(ctx context.Context, in *sdk.Input) (sdk.Predictor, error) {
	if f.name == "peeks" {
		if _, err := os.Stat(filepath.Join(in.WorkDir, "data", "train.jsonl")); err != nil {
			return nil, errors.New("where is the training data?")
		}
	}
	p, err := f.Method.Predictor(ctx, in)
	return &predictor{p, f.name, in}, err
}

type predictor struct {
	sdk.Predictor
	name string
	in   *sdk.Input
}

func (p *predictor) Predict(ctx context.Context, mode string, items []spec.Item, emit func(spec.Prediction) error) error {
	return p.Predictor.Predict(ctx, mode, items, func(pr spec.Prediction) error {
		if p.in.Params.Float("learning_rate") == 0 && len(pr.Logprobs) > 0 {
			switch p.name {
			case "nan":
				pr.Logprobs[0] = math.NaN()
			case "shifts":
				pr.Logprobs[0] -= 0.01
			}
		}
		return emit(pr)
	})
}
