package lab

import (
	"context"
	"sort"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

// RunLine is a run as a list shows it.
type RunLine struct {
	ID         string          `json:"id"`
	Experiment string          `json:"experiment"` // name
	Name       string          `json:"name"`
	Method     string          `json:"method"`
	Stage      string          `json:"stage,omitempty"`
	Task       string          `json:"task"`
	Seed       int64           `json:"seed"`
	Status     tracking.Status `json:"status"`
	Reason     string          `json:"reason,omitempty"`
	Created    time.Time       `json:"created"`
	Started    time.Time       `json:"started,omitzero"`
	Ended      time.Time       `json:"ended,omitzero"`
	Score      *tracking.Score `json:"score,omitempty"` // by the task's own metric
}

// ListRuns lists recorded runs, newest first; none is an empty list.
func (l *Lab) ListRuns(ctx context.Context, f tracking.RunFilter) ([]RunLine, error) {
	rows, err := l.Store.ListRuns(ctx, f)
	if err != nil {
		return nil, err
	}
	exps, err := l.Store.ListExperiments(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, e := range exps {
		names[e.ID] = e.Name
	}
	out := []RunLine{}
	for _, r := range rows {
		line := RunLine{ID: r.ID, Experiment: names[r.Experiment], Name: r.Name, Method: r.Method, Stage: r.Stage, Task: r.Task, Seed: r.Seed,
			Status: r.Status, Reason: r.Reason, Created: r.Created, Started: r.Started, Ended: r.Ended}
		if line.Score, err = l.mainScore(ctx, r); err != nil {
			return nil, err
		}
		out = append(out, line)
	}
	return out, nil
}

// mainScore is a finished run's score by its task's metric, else its first
// score on the task, nil if it has none.
func (l *Lab) mainScore(ctx context.Context, r tracking.Run) (*tracking.Score, error) {
	if r.Status != tracking.Finished {
		return nil, nil
	}
	scores, err := l.Store.Scores(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	sp, err := specOf(r)
	if err != nil {
		return nil, err
	}
	var found *tracking.Score
	for i, s := range scores {
		if s.Task == r.Task && (found == nil || s.Metric == sp.Task.Metric) {
			found = &scores[i]
		}
	}
	return found, nil
}

// Shown is all that is recorded of a run but its metrics and answers.
type Shown struct {
	tracking.Run
	ExperimentName string                 `json:"experiment_name"`
	Params         []tracking.Param       `json:"params"`
	Parents        []tracking.Parent      `json:"parents"`
	Children       []tracking.Parent      `json:"children"`
	Scores         []tracking.Score       `json:"scores"` // the task's own first
	Artifacts      []tracking.ArtifactRef `json:"artifacts"`
	Events         []tracking.Event       `json:"events"`
}

// ShowRun reads back a run by its id or a unique beginning of it.
func (l *Lab) ShowRun(ctx context.Context, id string) (*Shown, error) {
	s := &Shown{}
	var err error
	if s.Run, err = l.Store.GetRun(ctx, id); err != nil {
		return nil, err
	}
	exp, err := l.Store.GetExperiment(ctx, s.Experiment)
	if err != nil {
		return nil, err
	}
	s.ExperimentName = exp.Name
	if s.Params, err = l.Store.Params(ctx, s.ID); err != nil {
		return nil, err
	}
	if s.Parents, err = l.Store.Parents(ctx, s.ID); err != nil {
		return nil, err
	}
	if s.Children, err = l.Store.Children(ctx, s.ID); err != nil {
		return nil, err
	}
	if s.Scores, err = l.Store.Scores(ctx, s.ID); err != nil {
		return nil, err
	}
	sort.SliceStable(s.Scores, func(i, j int) bool { return s.Scores[i].Task == s.Task && s.Scores[j].Task != s.Task }) // the task's own first
	if s.Artifacts, err = l.Store.Artifacts(ctx, s.ID, ""); err != nil {
		return nil, err
	}
	s.Events, err = l.Store.Events(ctx, s.ID, tracking.EventFilter{})
	return s, err
}
