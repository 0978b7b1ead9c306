package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunelab/tunelab/framework/base"
	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// Labels of the two rows that stand in every table.
const (
	ZeroShot      = "base zero-shot"
	MajorityClass = "majority class"
)

// RunsFailed lists the runs of a study that failed; its table stands all the
// same, and shows them as failed.
type RunsFailed struct{ Errors []error }

func (e *RunsFailed) Error() string   { return errors.Join(e.Errors...).Error() }
func (e *RunsFailed) Unwrap() []error { return e.Errors }

// RunStudy makes every run of a study. Runs that were finished before, with
// the same spec and plugin, are not made again. A run that fails is recorded
// as failed and the rest go on; the error is then a *RunsFailed. Cancelling ctx
// stops the run under way and returns; the same study goes on where it was, a
// stopped run from its last checkpoint.
func (l *Lab) RunStudy(ctx context.Context, s *Study) error {
	if ds := s.check(); ds.Err() != nil {
		return ds
	}
	dir, exactly, err := l.models.find(ctx, s.path(s.Model))
	if err != nil {
		return err
	}
	held, err := heldOut(s.path(s.Forgetting), dir)
	if err != nil {
		return err
	}
	tasks, err := s.loadTasks()
	if err != nil {
		return err
	}
	methods, err := l.describeMethods(ctx, s)
	if err != nil {
		return err
	}
	fits, err := l.fits(ctx, s, dir, tasks)
	if err != nil {
		return err
	}
	if fits.encoder && s.Forgetting != "" && l.warn != nil {
		l.warn("forgetting is not measured: the model is an encoder, which gives no probability of a text")
	}
	plan, skipped, err := s.plan(tasks, methods, fits)
	if err != nil {
		return err
	}
	rec := &Record{Study: *s, Skipped: skipped}
	if err := l.remember(rec); err != nil {
		return err
	}
	var failures []error
	for i, c := range plan {
		if l.Planned != nil {
			l.Planned(i, len(plan))
		}
		job := run.Job{Experiment: s.Name, Label: c.entry.Label, Plugin: s.path(c.entry.Plugin), ModelDir: dir, Data: c.data, HeldOut: held, Reuse: true,
			Gold:   golds[c.data.Gold],
			Source: run.Source{Model: exactly, Task: absolute(c.task), Plugin: absolute(s.path(c.entry.Plugin)), Test: s.Test, DataSeed: c.seed, HeldOut: absolute(s.path(s.Forgetting))},
			Spec:   spec.Run{Method: c.entry.Name, Seed: c.seed, Budget: s.Budget, Compute: s.Compute}}
		id, err := l.runCell(ctx, c, job)
		filled := Cell{Label: c.entry.Label, Method: c.entry.Name, Task: c.data.Task.Name, Seed: c.seed, Run: id, Baseline: c.baseline}
		if id == "" && err != nil {
			filled.Reason = err.Error()
		}
		rec.Cells = append(rec.Cells, filled)
		err = errors.Join(err, l.remember(rec))
		if ctx.Err() != nil {
			return fmt.Errorf("stopped: %w; the same command goes on where it was", errors.Join(append(failures, err)...))
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s on %s, seed %d: %w", c.entry.Label, c.data.Task.Name, c.seed, err))
		}
	}
	if len(failures) > 0 {
		return &RunsFailed{failures}
	}
	return nil
}

// runCell makes the runs of one method, task and seed, and gives the last
// one's id.
func (l *Lab) runCell(ctx context.Context, c cell, job run.Job) (string, error) {
	if c.entry.Name == run.Majority {
		return l.runner.RunMajority(ctx, job)
	}
	sets := c.entry.combinations()
	if len(sets) > 1 {
		best, err := l.tune(ctx, job, sets, c.method)
		if err != nil {
			return "", err
		}
		job.Parents = best.parents
		sets = sets[best.index : best.index+1]
	}
	job.Spec.Params = sets[0]
	return l.runner.RunChain(ctx, job, c.method.Stages)
}

type trialResult struct {
	index   int
	parents []tracking.Parent // every trial: what it cost counts too
}

// tune runs one trial for each parameter set on the validation split and
// gives the best; a tie goes to the first.
func (l *Lab) tune(ctx context.Context, job run.Job, sets []map[string]any, m spec.Method) (trialResult, error) {
	best, value := trialResult{index: -1}, math.NaN()
	for i, params := range sets {
		trial := job
		trial.Trial, trial.HeldOut = true, nil
		trial.Spec.Params = params
		id, err := l.runner.RunChain(ctx, trial, m.Stages)
		if err != nil {
			return best, fmt.Errorf("trial %d: %w", i+1, err)
		}
		scores, err := l.Store.Scores(ctx, id)
		if err != nil || len(scores) == 0 {
			return best, errors.Join(err, fmt.Errorf("trial %d has no validation score", i+1))
		}
		v := scores[0].Value
		if run.LowerIsBetter(scores[0].Metric) {
			v = -v
		}
		if best.index < 0 || v > value {
			best.index, value = i, v
		}
		best.parents = append(best.parents, tracking.Parent{Parent: id, Relation: tracking.TunedFrom})
	}
	return best, nil
}

// cell is one method on one task with one seed.
type cell struct {
	entry  MethodEntry
	method spec.Method
	data   *data.Prepared
	seed   int64
	task   string // its file or embedded name

	baseline bool
}

// zeroShot is the baseline of the base model as it is: icl without examples.
var zeroShot = MethodEntry{Name: "icl", Label: ZeroShot, Params: map[string]any{"k": 0}}

// plan lists the cells in the order they run, baselines first.
func (s *Study) plan(tasks []*data.Prepared, methods map[string]spec.Method, fits fit) ([]cell, []Skipped, error) {
	var out []cell
	var skipped []Skipped
	for i, t := range tasks {
		name := s.taskName(s.Tasks[i])
		t = limitTest(t, s.Test)
		if s.baselines() {
			if len(t.Task.Labels) > 0 {
				out = append(out, cell{MethodEntry{Name: run.Majority, Label: MajorityClass}, spec.Method{}, t.Budgeted(s.Budget.Examples, s.Seeds[0]), s.Seeds[0], name, true})
			} else {
				skipped = append(skipped, Skipped{run.Majority, MajorityClass, t.Task.Name, "the task has no labels"})
			}
			if m, ok := methods["icl"]; ok {
				if why := fits.why(zeroShot, m, t); why == "" {
					out = append(out, cell{zeroShot, m, t.Budgeted(s.Budget.Examples, s.Seeds[0]), s.Seeds[0], name, true})
				} else {
					skipped = append(skipped, Skipped{"icl", ZeroShot, t.Task.Name, why})
				}
			}
		}
		for _, e := range s.Methods {
			m := methods[e.key()]
			if len(e.Tasks) > 0 && !contains(e.Tasks, t.Task.Name) {
				skipped = append(skipped, Skipped{e.Name, e.Label, t.Task.Name, "the study leaves it out"})
				continue
			}
			if why := fits.why(e, m, t); why != "" {
				skipped = append(skipped, Skipped{e.Name, e.Label, t.Task.Name, why})
				continue
			}
			for _, seed := range s.Seeds { // each seed has its own examples, the same for every method
				out = append(out, cell{e, m, t.Budgeted(s.Budget.Examples, seed), seed, name, false})
			}
		}
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("no method applies to any task: %v", skipped)
	}
	return out, skipped, nil
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// limitTest keeps n test items, a random choice in the file's order that is the
// same for every method, seed and study.
func limitTest(p *data.Prepared, n int) *data.Prepared {
	if n <= 0 || n >= len(p.Test) {
		return p
	}
	keep := map[int]bool{}
	for _, i := range spec.Stream(0, "test subset").Perm(len(p.Test))[:n] {
		keep[i] = true
	}
	q := *p
	q.Test = nil
	for i, t := range p.Test {
		if keep[i] {
			q.Test = append(q.Test, t)
		}
	}
	return &q
}

func (s *Study) loadTasks() ([]*data.Prepared, error) {
	var out []*data.Prepared
	for i, name := range s.Tasks {
		p, err := Task(s.taskName(name))
		if err != nil {
			return nil, err
		}
		for _, other := range out {
			if other.Task.Name == p.Task.Name {
				return nil, fmt.Errorf("tasks[%d]: another task is called %q; rename one of them", i, p.Task.Name)
			}
		}
		out = append(out, p)
	}
	for i, m := range s.Methods {
		for _, name := range m.Tasks {
			if !slices.ContainsFunc(out, func(p *data.Prepared) bool { return p.Task.Name == name }) {
				return nil, fmt.Errorf("methods[%d].tasks: the study has no task %q", i, name)
			}
		}
	}
	return out, nil
}

// taskName resolves a task's path; embedded names stay.
func (s *Study) taskName(name string) string {
	if contains(EmbeddedTasks(), name) {
		return name
	}
	return s.path(name)
}

// absolute makes a path independent of the working folder; names that are no
// files stay as they are.
func absolute(p string) string {
	if _, err := os.Stat(p); p == "" || err != nil || contains(EmbeddedTasks(), p) {
		return p
	}
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

func (e MethodEntry) key() string { return e.Name + "\x00" + e.Plugin }

// describeMethods launches each plugin once and checks every parameter set, so
// that mistakes come back before anything starts.
func (l *Lab) describeMethods(ctx context.Context, s *Study) (map[string]spec.Method, error) {
	out := map[string]spec.Method{}
	var ds spec.Diagnostics
	entries := s.Methods
	if s.baselines() { // the zero-shot row is icl without examples
		entries = append([]MethodEntry{{Name: "icl"}}, entries...)
	}
	first := len(entries) - len(s.Methods)
	for i, e := range entries {
		c, err := l.launch(ctx, e.Name, s.path(e.Plugin))
		if err != nil {
			return nil, err
		}
		c.Close()
		out[e.key()] = c.Method
		if i < first {
			out["icl"] = c.Method
			continue
		}
		for _, set := range e.combinations() {
			at := fmt.Sprintf("methods[%d].params", i-first)
			if s.bare {
				at = "params"
			}
			_, found := c.Schema.Resolve(at, set)
			ds = append(ds, found...)
		}
	}
	return out, ds.Err()
}

// heldOut gives the text that forgetting is measured on: a file, or the model
// folder's own; none for an encoder, which gives no probability of a text.
func heldOut(file, modelDir string) ([]spec.Item, error) {
	if isEncoder(modelDir) {
		return nil, nil
	}
	if file != "" {
		return base.ReadHeldOut(file)
	}
	return base.HeldOut(modelDir)
}
