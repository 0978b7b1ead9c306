package main

import (
	"context"
	"maps"
	"math"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
)

// relayed runs the method in this process and passes on what it reports, less
// what the fault loses.
func (f *faulty) relayed(ctx context.Context, in *sdk.Input, out *sdk.Output, long bool) error {
	diverges := in.Params.Float("learning_rate") > top
	total := int64(in.Params.Int("max_steps"))
	stop := out.Stopping()
	switch {
	case f.name == "ignores-stop":
		stop = nil
	case f.name == "forgets" && in.Checkpoint != "":
		in.Spec.Seed++ // the data's order goes on as another run's
	case (f.name == "goes-on" || f.name == "hides") && diverges:
		in.Params = maps.Clone(in.Params)
		in.Params["learning_rate"] = 1e-3 // the harness would end the run
	}
	metric, flush := out.Metric, func() {}
	if f.name == "drops" {
		metric, flush = impatient(out.Metric)
	}
	cost, err := sdk.RunLocal(ctx, f.Method, in, sdk.Events{
		Stop: stop,
		Metric: func(name string, step int64, v float64) {
			lost := diverges && name == "train/loss" && step > 2 // the number is NaN from here on
			switch {
			case f.name == "last" && step == total, f.name == "gaps" && long && step%50 == 0, f.name == "hides" && lost:
				return
			case f.name == "goes-on" && lost:
				v = math.NaN()
			}
			metric(name, step, v)
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
	flush()
	*out.Cost() = cost
	if f.lies(in) {
		out.Cost().TrainableParams /= 2
	}
	return err
}

type point struct {
	name string
	step int64
	v    float64
}

// impatient keeps a few values for a slow reader and drops what comes on top.
func impatient(send func(string, int64, float64)) (metric func(string, int64, float64), flush func()) {
	queue, sent := make(chan point, 256), make(chan struct{})
	go func() {
		for p := range queue {
			send(p.name, p.step, p.v)
		}
		close(sent)
	}()
	metric = func(name string, step int64, v float64) {
		select {
		case queue <- point{name, step, v}:
		default:
		}
	}
	return metric, func() { close(queue); <-sent }
}
