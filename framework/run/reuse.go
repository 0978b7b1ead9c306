package run

import (
	"context"
	"errors"
	"slices"

	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// asked hashes what of the data a run is really given: the examples that the
// budget leaves, the test items that the study leaves, and the held-out text.
// The spec and the data's own hash say nothing of that.
func (j *Job) asked() (string, error) {
	given := struct {
		Train, Validation, Test []string
		HeldOut                 []spec.Item
		Trial                   bool
	}{HeldOut: j.HeldOut, Trial: j.Trial}
	for _, e := range j.Data.Train {
		given.Train = append(given.Train, e.ID)
	}
	for _, e := range j.Data.Validation {
		given.Validation = append(given.Validation, e.ID)
	}
	for _, e := range j.Data.Test {
		given.Test = append(given.Test, e.Item.ID)
	}
	return spec.Hash(given)
}

// isReplay says whether a run was made to compare it with another.
func (r *Runner) isReplay(ctx context.Context, id string) (bool, error) {
	parents, err := r.Store.Parents(ctx, id)
	return slices.ContainsFunc(parents, func(p tracking.Parent) bool { return p.Relation == tracking.ReplayOf }), err
}

// goOn makes a run of a study go on where an equal one was stopped, or lost
// with its host: from that one's last checkpoint, as its child. A run that was
// gone on from before is not taken twice.
func (a *active) goOn(ctx context.Context) error {
	if !a.job.Reuse || a.job.Resume != "" {
		return nil
	}
	hash, err := spec.Hash(a.job.Spec)
	if err != nil {
		return err
	}
	rows, err := a.Store.ListRuns(ctx, tracking.RunFilter{Experiment: a.job.Experiment, SpecHash: hash, Statuses: []tracking.Status{tracking.Stopped, tracking.Lost}})
	if errors.Is(err, tracking.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	for _, r := range rows {
		if !a.same(r) || r.NotReplayable {
			continue
		}
		children, err := a.Store.Children(ctx, r.ID)
		if err != nil {
			return err
		}
		if len(children) > 0 {
			continue
		}
		a.job.Resume = r.ID
		a.job.Parents = append(slices.Clone(a.job.Parents), tracking.Parent{Parent: r.ID, Relation: tracking.ResumedFrom})
		return nil
	}
	return nil
}
