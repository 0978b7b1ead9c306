package main

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	port    net.Listener
}

// top is a learning rate that no run has but the one that is to diverge.
const top = 1

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
	switch f.name {
	case "unversioned":
		d.Version = "01.0.0"
	case "narrow":
		d.Tasks = append(d.Tasks, spec.Generation)
	case "chain", "stage-empty", "stage-lies", "stage-spoils":
		d.Stages = []string{"first", "second"}
	}
	return d
}

func (f *faulty) Estimate(ctx context.Context, in *sdk.Input) (spec.Estimate, error) {
	est, err := f.Method.Estimate(ctx, in)
	if f.lies(in) {
		est.TrainableParams /= 2
	}
	return est, err
}

// lies tells whether the run claims half of the parameters that it trains.
func (f *faulty) lies(in *sdk.Input) bool {
	return f.name == "liar" || f.name == "stage-lies" && in.Spec.Stage == "first"
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
	case "stage-empty":
		if in.Spec.Stage == "first" {
			return nil
		}
	case "stage-spoils":
		if first := in.Inputs["first"]; first != "" {
			if err := os.WriteFile(filepath.Join(first, "notes"), nil, 0o644); err != nil {
				return err
			}
		}
	case "narrow":
		if in.Spec.Task.Kind == spec.Generation {
			return errors.New("not written yet")
		}
	case "listens":
		var err error
		if f.port, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	case "seedless":
		in.Spec.Seed = time.Now().UnixNano()
	case "crashes":
		if in.Params.Float("learning_rate") > top {
			os.Exit(4)
		}
	}
	if f.name == "remembers" {
		var err error
		if in.Spec.Seed, err = remembered(in.CacheDir); err != nil {
			return err
		}
	}
	err := f.relayed(ctx, in, out, long)
	if err == nil && f.name == "hoards" {
		err = os.WriteFile(filepath.Join(in.CacheDir, "answers"), nil, 0o644)
	}
	return err
}

// remembered is the seed that the first run to use the cache drew.
func remembered(cache string) (seed int64, err error) {
	path := filepath.Join(cache, "seed")
	if raw, err := os.ReadFile(path); err == nil {
		return strconv.ParseInt(string(raw), 10, 64)
	}
	seed = time.Now().UnixNano()
	return seed, os.WriteFile(path, []byte(strconv.FormatInt(seed, 10)), 0o644)
}

func (f *faulty) Predictor(ctx context.Context, in *sdk.Input) (sdk.Predictor, error) {
	if f.name == "peeks" {
		if _, err := os.Stat(filepath.Join(in.WorkDir, "data", "train.jsonl")); err != nil {
			return nil, errors.New("where is the training data?")
		}
	}
	if f.name == "hoards" {
		if _, err := os.Stat(filepath.Join(in.CacheDir, "answers")); err != nil {
			return nil, errors.New("where is the cache?")
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
