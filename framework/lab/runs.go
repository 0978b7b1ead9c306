package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// One is a single run to make.
type One struct {
	Method     string
	Plugin     string // path of the binary; default: found by name
	Model      string
	Task       string
	Seed       int64
	Params     map[string]any
	Budget     spec.Budget
	Compute    spec.Compute
	Experiment string
	Label      string
}

// RunOne makes one run, or a chain of them, and returns the last one's id.
func (l *Lab) RunOne(ctx context.Context, o One) (string, error) {
	if o.Experiment == "" {
		o.Experiment = "runs"
	}
	s := &Study{bare: true, Name: o.Experiment, Model: o.Model, Tasks: []string{o.Task}, Seeds: []int64{o.Seed}, Budget: o.Budget, Compute: o.Compute, Baselines: new(bool),
		Methods: []MethodEntry{{Name: o.Method, Label: o.Label, Params: o.Params, Plugin: o.Plugin}}}
	job, m, err := l.job(ctx, s)
	if err != nil {
		return "", err
	}
	return l.runner.RunChain(ctx, job, m.Stages)
}

// job prepares the only run of a study of one.
func (l *Lab) job(ctx context.Context, s *Study) (run.Job, spec.Method, error) {
	if ds := s.check(); ds.Err() != nil {
		return run.Job{}, spec.Method{}, ds
	}
	dir, exactly, err := l.models.find(ctx, s.Model)
	if err != nil {
		return run.Job{}, spec.Method{}, err
	}
	held, err := heldOut("", dir)
	if err != nil {
		return run.Job{}, spec.Method{}, err
	}
	tasks, err := s.loadTasks()
	if err != nil {
		return run.Job{}, spec.Method{}, err
	}
	methods, err := l.describeMethods(ctx, s)
	if err != nil {
		return run.Job{}, spec.Method{}, err
	}
	e := s.Methods[0]
	m, t := methods[e.key()], tasks[0]
	fits, err := l.fits(ctx, s, dir, tasks)
	if err != nil {
		return run.Job{}, m, err
	}
	if why := fits.why(e, m, t); why != "" {
		return run.Job{}, m, fmt.Errorf("method %s does not apply to task %s: %s", e.Name, t.Task.Name, why)
	}
	return run.Job{Experiment: s.Name, Label: e.Label, Plugin: e.Plugin, ModelDir: dir, Data: t.Budgeted(s.Budget.Examples, s.Seeds[0]), HeldOut: held, Gold: golds[t.Gold],
		Source: run.Source{Model: exactly, Task: absolute(s.Tasks[0]), Plugin: absolute(e.Plugin), DataSeed: s.Seeds[0]},
		Spec:   spec.Run{Method: e.Name, Params: e.Params, Seed: s.Seeds[0], Budget: s.Budget, Compute: s.Compute}}, m, nil
}

// again rebuilds the job of a recorded run from its row and checks that model
// and data are still the same.
func (l *Lab) again(ctx context.Context, id string) (run.Job, tracking.Run, error) {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return run.Job{}, row, err
	}
	sp, err := specOf(row)
	if err != nil {
		return run.Job{}, row, err
	}
	src, err := l.source(row)
	if err != nil {
		return run.Job{}, row, err
	}
	prepared, err := Task(src.Task)
	if err != nil {
		return run.Job{}, row, fmt.Errorf("run %s: its task: %w", row.ID, err)
	}
	dir, err := l.models.Dir(ctx, src.Model)
	if err != nil {
		return run.Job{}, row, fmt.Errorf("run %s: its model: %w", row.ID, err)
	}
	sum, _, err := checkpoint.HashDir(dir)
	if err != nil {
		return run.Job{}, row, fmt.Errorf("run %s: its model: %w", row.ID, err)
	}
	if sum != row.Hashes["model"] {
		return run.Job{}, row, fmt.Errorf("run %s: the model %s has changed since (recorded %.12s, now %.12s): restore it", row.ID, dir, row.Hashes["model"], sum)
	}
	prepared = limitTest(prepared.Budgeted(sp.Budget.Examples, src.DataSeed), src.Test)
	if prepared.Hash != row.Hashes["data"] {
		return run.Job{}, row, fmt.Errorf("run %s: the data of task %s has changed since (recorded %.12s, now %.12s): restore it", row.ID, row.Task, row.Hashes["data"], prepared.Hash)
	}
	exp, err := l.Store.GetExperiment(ctx, row.Experiment)
	if err != nil {
		return run.Job{}, row, err
	}
	held, err := heldOut(src.HeldOut, dir)
	if err != nil {
		return run.Job{}, row, err
	}
	if f, err := l.find(row.Method, src.Plugin); err == nil { // where it is not, the run will say so
		l.caution(f)
	}
	label, trial := strings.CutSuffix(row.Name, " (trial)")
	job := run.Job{Experiment: exp.Name, Label: label, Plugin: src.Plugin, ModelDir: dir, Data: prepared, HeldOut: held, Gold: golds[prepared.Gold], Spec: sp, Trial: trial, Source: src}
	return job, row, nil
}

func specOf(row tracking.Run) (spec.Run, error) {
	var sp spec.Run
	if err := json.Unmarshal(row.SpecJSON, &sp); err != nil {
		return sp, fmt.Errorf("run %s: its recorded spec: %w", row.ID, err)
	}
	return sp, nil
}

func (l *Lab) source(row tracking.Run) (run.Source, error) {
	var src run.Source
	events, err := l.Store.Events(context.Background(), row.ID, tracking.EventFilter{Kind: "source"})
	if err != nil {
		return src, err
	}
	if len(events) == 0 {
		return src, fmt.Errorf("run %s says not where its model and data lie", row.ID)
	}
	return src, json.Unmarshal(events[0].Data, &src)
}

// Resume goes on from the last checkpoint of a stopped, crashed, failed or lost
// run, as a new run whose parent it is, makes the stages that a chained method
// has after it, and returns the last new run's id.
func (l *Lab) Resume(ctx context.Context, id string) (string, error) {
	job, row, err := l.again(ctx, id)
	if err != nil {
		return "", err
	}
	if !row.Status.Ended() {
		return "", fmt.Errorf("run %s is %s; only an ended run can be resumed", row.ID, row.Status)
	}
	if row.Status == tracking.Finished {
		return "", fmt.Errorf("run %s is finished; there is nothing to resume", row.ID)
	}
	if err := l.chainInputs(ctx, &job, row); err != nil {
		return "", err
	}
	later, err := l.laterStages(ctx, job)
	if err != nil {
		return "", err
	}
	first := job
	first.Resume = row.ID
	first.Parents = append(slices.Clone(job.Parents), tracking.Parent{Parent: row.ID, Relation: tracking.ResumedFrom})
	if len(later) > 0 {
		first.HeldOut = nil // as RunChain does for the stages before the last
	}
	id, err = l.runner.Run(ctx, first)
	if err != nil || len(later) == 0 {
		return id, err
	}
	dir, ref, err := l.runner.Result(ctx, id)
	if err != nil {
		return id, err
	}
	job.Inputs = clone(job.Inputs)
	job.Inputs[row.Stage] = dir
	job.Spec.Inputs = append(job.Spec.Inputs, ref)
	job.Parents = append(job.Parents, tracking.Parent{Parent: id, Relation: tracking.InitialisedFrom})
	return l.runner.RunChain(ctx, job, later)
}

// laterStages lists the stages that follow the job's in its method's chain.
func (l *Lab) laterStages(ctx context.Context, job run.Job) ([]string, error) {
	if job.Spec.Stage == "" {
		return nil, nil
	}
	p, err := l.DescribePlugin(ctx, job.Spec.Method, job.Plugin)
	if err != nil {
		return nil, err
	}
	at := slices.Index(p.Method.Stages, job.Spec.Stage)
	if at < 0 {
		return nil, fmt.Errorf("method %s has no stage %q any more (%v)", job.Spec.Method, job.Spec.Stage, p.Method.Stages)
	}
	return p.Method.Stages[at+1:], nil
}

// chainInputs lays out the results of the stages that a run started from.
func (l *Lab) chainInputs(ctx context.Context, job *run.Job, row tracking.Run) error {
	parents, err := l.Store.Parents(ctx, row.ID)
	if err != nil {
		return err
	}
	for _, p := range parents {
		if p.Relation != tracking.InitialisedFrom {
			continue
		}
		stage, err := l.Store.GetRun(ctx, p.Parent)
		if err != nil {
			return err
		}
		dir, _, err := l.runner.Result(ctx, p.Parent)
		if err != nil {
			return err
		}
		if job.Inputs == nil {
			job.Inputs = map[string]string{}
		}
		job.Inputs[stage.Stage] = dir
		job.Parents = append(job.Parents, tracking.Parent{Parent: p.Parent, Relation: p.Relation})
	}
	return nil
}

// Predict asks a finished run's result for answers to items, as the host
// itself does after training.
func (l *Lab) Predict(ctx context.Context, id, mode string, items []spec.Item, sink func(spec.Prediction) error) error {
	return l.predict(ctx, id, mode, items, 0, sink)
}

// predict is Predict with another length of generated texts; 0 leaves it to
// the task and the method.
func (l *Lab) predict(ctx context.Context, id, mode string, items []spec.Item, maxNew int, sink func(spec.Prediction) error) error {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return err
	}
	if row.Status != tracking.Finished {
		return fmt.Errorf("run %s is %s; only a finished run answers", row.ID, row.Status)
	}
	job, _, err := l.again(ctx, row.ID)
	if err != nil {
		return err
	}
	if maxNew > 0 {
		job.Spec.Task.MaxNew = maxNew
		if _, has := job.Spec.Params["max_new_tokens"]; has {
			job.Spec.Params["max_new_tokens"] = maxNew
		}
	}
	if err := l.chainInputs(ctx, &job, row); err != nil {
		return err
	}
	dir, _, err := l.runner.Result(ctx, row.ID)
	if err != nil {
		return err
	}
	c, err := l.launch(ctx, job.Spec.Method, job.Plugin)
	if err != nil {
		return err
	}
	defer c.Close()
	work, err := os.MkdirTemp("", "tunelab-ask-*")
	if err != nil {
		return fmt.Errorf("make a folder for the questions: %w", err)
	}
	defer os.RemoveAll(work)
	file := filepath.Join(work, "asked.jsonl")
	if _, _, err := data.WriteItems(file, items); err != nil {
		return err
	}
	in := host.Input{RunID: row.ID, Spec: job.Spec, WorkDir: work, CacheDir: filepath.Join(l.Dir, "cache"), Model: host.File{Path: job.ModelDir}}
	for _, k := range sortedKeys(job.Inputs) {
		in.Inputs = append(in.Inputs, host.File{Name: k, Path: job.Inputs[k]})
	}
	return c.Predict(ctx, in, host.File{Path: dir}, mode, host.File{Path: file}, func(ps []spec.Prediction, _, _ int64) error {
		var err error
		for _, p := range ps {
			err = errors.Join(err, sink(p))
		}
		return err
	})
}
