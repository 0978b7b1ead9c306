package run

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// Majority is the baseline method that the host itself is.
const Majority = "majority"

// RunChain makes the runs of a chained method's stages one after the other,
// each given the results of those before it and job.Inputs, and returns the
// last one's id. A method without stages is one run.
func (r *Runner) RunChain(ctx context.Context, job Job, stages []string) (string, error) {
	if len(stages) == 0 {
		return r.Run(ctx, job)
	}
	inputs := copyMap(job.Inputs)
	parents := job.Parents
	var id string
	for i, stage := range stages {
		j := job
		j.Spec.Stage, j.Inputs = stage, copyMap(inputs)
		j.Spec.Inputs = append([]spec.Ref(nil), job.Spec.Inputs...)
		j.Parents = append([]tracking.Parent(nil), parents...)
		if i < len(stages)-1 {
			j.HeldOut, j.Trial = nil, false
		}
		var err error
		if id, err = r.Run(ctx, j); err != nil {
			return id, fmt.Errorf("stage %s: %w", stage, err)
		}
		dir, ref, err := r.Result(ctx, id)
		if err != nil {
			return id, err
		}
		inputs[stage] = dir
		job.Spec.Inputs = append(job.Spec.Inputs, ref)
		parents = append(parents, tracking.Parent{Parent: id, Relation: tracking.InitialisedFrom})
	}
	return id, nil
}

func copyMap(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// Result lays out a finished run's result in its folder and names it by
// content.
func (r *Runner) Result(ctx context.Context, id string) (dir string, ref spec.Ref, err error) {
	row, err := r.Store.GetRun(ctx, id)
	if err != nil {
		return "", ref, err
	}
	refs, err := r.Store.Artifacts(ctx, id, tracking.Out)
	if err != nil {
		return "", ref, err
	}
	dir = filepath.Join(r.Dir, "runs", id, "result")
	if err := materialize(ctx, r.Artifacts, refs, "result/", dir); err != nil {
		return "", ref, fmt.Errorf("run %s (%s): %w", id, row.Status, err)
	}
	var list []string
	ref = spec.Ref{Kind: "artifact", Name: row.Stage}
	for _, a := range refs {
		if len(a.Path) > 7 && a.Path[:7] == "result/" {
			list = append(list, a.Path+" "+a.SHA256)
			ref.Size += a.Size
		}
	}
	ref.SHA256, err = spec.Hash(list)
	return dir, ref, err
}

// RunMajority records the majority-class baseline of a task with labels.
func (r *Runner) RunMajority(ctx context.Context, job Job) (string, error) {
	a := &active{Runner: r, job: job, start: r.Now()}
	a.job.Spec.Params = map[string]any{}
	if err := a.complete(); err != nil {
		return "", err
	}
	if id, err := a.finishedBefore(ctx); id != "" || err != nil {
		return id, err
	}
	if err := a.begin(ctx); err != nil {
		return a.id, err
	}
	return a.id, a.end(a.majority(ctx))
}

func (a *active) majority(ctx context.Context) error {
	items, ok := majorityClass(a.job.Data.Task, a.job.Data.Train, a.job.Data.Test)
	if !ok {
		return fmt.Errorf("task %s has no labels", a.job.Data.Task.Name)
	}
	a.cost.LabelledExamples = int64(len(a.job.Data.Train))
	j := &judging{active: a}
	metrics := append([]string{a.job.Data.Task.Metric}, alsoScored(a.job.Data.Task, spec.Method{}, a.job.Data.Task.Metric)...)
	for i, m := range metrics {
		if err := j.put(ctx, m, spec.ModeLabels, data.SplitTest, items, i == 0); err != nil {
			return err
		}
	}
	return nil
}
