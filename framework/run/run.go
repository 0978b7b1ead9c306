package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/living"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// active is a run under way.
type active struct {
	*Runner
	job       Job
	id        string
	holder    string
	work      string     // the run's folder
	found     host.Found // the plugin binary; zero for a baseline of the host's own
	pluginSum string
	input     host.Input
	cost      spec.Cost
	start     time.Time
	log       string
	logFile   *os.File
	mark      *living.Marker  // shows that this process works on the run
	resumable bool            // it has left a checkpoint
	main      *tracking.Score // by the metric that the run is judged by
	chat      string          // hash of the model's chat template; "": it has none
	asked     string          // hash of the examples and items that it is given
}

// Run makes one run and returns its id. The error, if any, is why the run did
// not finish; the row says the same. An error before the row could be written
// comes back with an empty id.
func (r *Runner) Run(ctx context.Context, job Job) (string, error) {
	a := &active{Runner: r, job: job, start: r.Now()}
	if err := a.validate(ctx); err != nil {
		return "", err
	}
	if id, err := a.finishedBefore(ctx); id != "" || err != nil {
		return id, err
	}
	if err := a.goOn(ctx); err != nil {
		return "", err
	}
	if err := a.begin(ctx); err != nil {
		return a.id, err
	}
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	beat, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go a.heartbeat(beat, lose)
	err := a.guarded(ctx)
	return a.id, a.end(err)
}

// guarded runs the body; a panic of this program ends the run as failed, with
// its stack, instead of leaving it running.
func (a *active) guarded(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("tunelab itself panicked: %v\n%s", p, debug.Stack())
		}
	}()
	if a.job.Spec.Budget.MaxWallSeconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(a.job.Spec.Budget.MaxWallSeconds*float64(time.Second)), errWallCap)
		defer cancel()
	}
	if err = a.train(ctx); err == nil {
		err = a.judge(ctx)
	}
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return a.stopped(ctx)
	}
	return err
}

// validate launches the plugin once to check the spec against its schema and
// to resolve the parameters, before anything is recorded.
func (a *active) validate(ctx context.Context) error {
	o := a.Find
	o.Path = a.job.Plugin
	found, err := host.Find(a.job.Spec.Method, o)
	if err != nil {
		return err
	}
	c, err := host.Launch(ctx, found.Path, host.LaunchOptions{Name: a.job.Spec.Method, HungAfter: a.HungAfter, SHA256: found.Pinned(),
		MaxMemory: a.job.Spec.Budget.MaxMemoryBytes, Limits: a.job.Spec.Budget.Limits, Features: a.Features})
	if err != nil {
		return err
	}
	defer c.Close()
	params, ds := c.Schema.Resolve("params", a.job.Spec.Params)
	if err := ds.Err(); err != nil {
		return fmt.Errorf("method %s: %w", a.job.Spec.Method, err)
	}
	a.job.Spec.Params, a.found, a.pluginSum = params, found, c.SHA256
	if e := a.job.Spec.Compute.Engine; e != "" && len(c.Method.Engines) > 0 && !slices.Contains(c.Method.Engines, e) {
		return fmt.Errorf("method %s does not run on the engine %q: it has %s", a.job.Spec.Method, e, strings.Join(c.Method.Engines, ", "))
	}
	if a.job.Spec.Stage == "" && len(c.Method.Stages) > 0 {
		return fmt.Errorf("method %s is a chain (%v): run its stages", a.job.Spec.Method, c.Method.Stages)
	}
	if err := a.complete(); err != nil {
		return err
	}
	m := a.job.Spec.Model
	ds, err = c.Validate(ctx, host.Input{Spec: a.job.Spec, Model: host.File{Name: m.Name, Path: a.job.ModelDir, SHA256: m.SHA256, Size: m.Size}})
	if err == nil {
		err = ds.Err()
	}
	if err != nil {
		return fmt.Errorf("method %s: %w", a.job.Spec.Method, err)
	}
	return nil
}

// complete fills in what the spec says by content.
func (a *active) complete() error {
	sum, size, err := checkpoint.HashDir(a.job.ModelDir)
	if err != nil {
		return fmt.Errorf("model %s: %w", a.job.ModelDir, err)
	}
	a.job.Spec.Model = spec.Ref{Kind: "model", Name: filepath.Base(a.job.ModelDir), SHA256: sum, Size: size}
	a.job.Spec.Task = a.job.Data.Task
	if a.chat, err = chat.DefaultHash(a.job.ModelDir); err != nil {
		return fmt.Errorf("model %s: %w", a.job.ModelDir, err)
	}
	a.asked, err = a.job.asked()
	return err
}

// finishedBefore gives the id of a finished run that this one would repeat.
func (a *active) finishedBefore(ctx context.Context) (string, error) {
	if !a.job.Reuse {
		return "", nil
	}
	hash, err := spec.Hash(a.job.Spec)
	if err != nil {
		return "", err
	}
	rows, err := a.Store.ListRuns(ctx, tracking.RunFilter{Experiment: a.job.Experiment, SpecHash: hash, Statuses: []tracking.Status{tracking.Finished}})
	if err != nil {
		if errors.Is(err, tracking.NotFound) { // the experiment's first run
			return "", nil
		}
		return "", err
	}
	for _, r := range rows {
		if a.same(r) {
			if replay, err := a.isReplay(ctx, r.ID); err != nil {
				return "", err
			} else if replay { // it is there to be compared, not to stand in a table
				continue
			}
			a.id = r.ID
			a.update(Update{Status: r.Status, Reason: "reused"})
			return r.ID, nil
		}
	}
	return "", nil
}

// same says whether a recorded run of the same spec was given the same plugin,
// examples and test items.
func (a *active) same(r tracking.Run) bool {
	return r.Hashes["plugin"] == a.pluginSum && r.Hashes["data"] == a.job.Data.Hash && r.Hashes["asked"] == a.asked && r.Name == a.label()
}

// label is the run's name; trials are told from the run that is tested.
func (a *active) label() string {
	if a.job.Trial {
		return a.job.Label + " (trial)"
	}
	return a.job.Label
}

// claim makes the run's folder and marks it as this process's. It comes before
// the row, so that whoever finds the row can tell whether its host lives.
func (a *active) claim(id string) (err error) {
	a.work = filepath.Join(a.Dir, "runs", id)
	if err := os.MkdirAll(a.work, 0o755); err != nil {
		return fmt.Errorf("make the run's folder: %w", err)
	}
	a.mark, err = living.Mark(filepath.Join(a.work, markName))
	return err
}

// begin writes the row, takes the lease and lays out the run's folder. From the
// row on, whatever fails ends the run in a true state, so ctx no longer counts.
func (a *active) begin(ctx context.Context) error {
	row, err := a.row()
	if err != nil {
		return err
	}
	row.Run.ID = tracking.NewID(a.Now())
	err = a.claim(row.Run.ID)
	if err == nil {
		_, err = a.Store.CreateRun(ctx, row)
	}
	if err != nil {
		a.mark.Release()
		return errors.Join(err, os.RemoveAll(a.work))
	}
	a.id = row.Run.ID
	if err := a.take(context.WithoutCancel(ctx)); err != nil {
		return a.end(err)
	}
	return nil
}

func (a *active) take(ctx context.Context) error {
	a.holder = fmt.Sprintf("%s:%d:%s", hostname(), os.Getpid(), a.id)
	if _, err := a.Store.Acquire(ctx, a.id, a.holder, a.leaseTTL()); err != nil {
		return err
	}
	if err := a.layOut(); err != nil {
		return err
	}
	src, err := json.Marshal(a.job.Source)
	if err != nil {
		return err
	}
	overlap, err := json.Marshal(a.job.Data.Overlap)
	if err != nil {
		return err
	}
	events := []tracking.Event{{Kind: "source", Level: "info", Data: src}, {Kind: "overlap", Level: "info", Data: overlap}}
	if a.found.Path != "" {
		plugin, err := json.Marshal(a.found)
		if err != nil {
			return err
		}
		events = append(events, tracking.Event{Kind: "plugin", Level: "info", Data: plugin}) // which of the places the search came to first
	}
	if err := a.Store.AppendEvents(ctx, a.id, events); err != nil {
		return err
	}
	return a.Store.SetStatus(ctx, a.id, tracking.Running, "")
}

// layOut writes the data that the run is given.
func (a *active) layOut() error {
	data := filepath.Join(a.work, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return fmt.Errorf("make the run's folder: %w", err)
	}
	var err error
	m := a.job.Spec.Model
	a.input = host.Input{RunID: a.id, Spec: a.job.Spec, WorkDir: a.work, CacheDir: filepath.Join(a.Dir, "cache"),
		Model: host.File{Name: m.Name, Path: a.job.ModelDir, SHA256: m.SHA256, Size: m.Size}}
	for _, k := range sortedKeys(a.job.Inputs) {
		a.input.Inputs = append(a.input.Inputs, host.File{Name: k, Path: a.job.Inputs[k]})
	}
	if a.input.Train, err = writeExamples(filepath.Join(data, "train.jsonl"), a.job.Data.Train); err != nil {
		return err
	}
	a.input.Validation, err = writeExamples(filepath.Join(data, "validation.jsonl"), a.job.Data.Validation)
	return err
}

// train runs the plugin's Run to its end and seals what it left.
func (a *active) train(ctx context.Context) error {
	c, err := a.launch(ctx)
	if err != nil {
		return err
	}
	defer a.close(c)
	a.update(Update{Phase: "estimate"})
	est, err := c.Estimate(ctx, a.input)
	if err != nil {
		return fmt.Errorf("estimate: %w", err)
	}
	if err := a.admit(ctx, est); err != nil {
		return err
	}
	rec := &recorder{a: a}
	checkpoint, err := rec.resumeFrom(ctx)
	if err != nil {
		return err
	}
	runCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	go a.stopOn(ctx, runCtx, c, cancel)
	done, err := c.Run(runCtx, a.input, checkpoint, rec.event)
	if flushErr := rec.flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		if e := new(stopError); errors.Is(err, context.Canceled) && errors.Is(context.Cause(runCtx), errDeaf) && errors.As(a.stopped(ctx), &e) {
			e.reason += fmt.Sprintf(" (%v within %v and was ended; its last checkpoint stands)", errDeaf, a.stopGrace())
			return e
		}
		return err
	}
	a.addCost(done.Cost, c.Served())
	switch done.State {
	case "stopped":
		return a.stopped(ctx)
	case "failed":
		if err := done.Errors.Err(); err != nil {
			return err
		}
		return fmt.Errorf("the plugin says that its run failed: %s", done.Reason)
	}
	return a.seal(ctx)
}

func (a *active) launch(ctx context.Context) (*host.Client, error) {
	log, err := os.OpenFile(filepath.Join(a.work, "plugin.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the plugin's log: %w", err)
	}
	b := a.job.Spec.Budget
	c, err := host.Launch(ctx, a.found.Path, host.LaunchOptions{Name: a.job.Spec.Method, Log: log, HungAfter: a.HungAfter, SHA256: a.found.Pinned(),
		MaxMemory: b.MaxMemoryBytes, Limits: b.Limits, Features: a.Features})
	if err != nil {
		log.Close()
		return nil, err
	}
	a.logFile = log
	if err := a.Store.UpdateRun(ctx, a.id, tracking.RunUpdate{Hashes: map[string]string{"plugin": c.SHA256}}); err != nil {
		a.close(c)
		return nil, err
	}
	return c, nil
}

// close ends the plugin and adds what it used to the run's cost.
func (a *active) close(c *host.Client) {
	c.Close()
	a.logFile.Close()
	cpu, peak := c.Usage()
	a.cost.CPUSeconds += cpu + c.Served().CPUSeconds
	a.cost.PeakMemoryBytes = max(a.cost.PeakMemoryBytes, peak)
	if t := c.LogTail(); t != "" {
		a.log = t
	}
}

// addCost adds what the plugin counted in its run; what the host computed for it
// counts whether it says so or not.
func (a *active) addCost(c, served spec.Cost) {
	a.cost.TrainableParams, a.cost.LabelledExamples = c.TrainableParams, c.LabelledExamples
	a.cost.ExtraSupervision = c.ExtraSupervision
	a.cost.TrainTokens += max(c.TrainTokens, served.TrainTokens)
	a.cost.GeneratedTokens += c.GeneratedTokens
	a.cost.FLOPs += max(c.FLOPs, served.FLOPs)
}

func (a *active) update(u Update) {
	if a.Watch == nil {
		return
	}
	a.watching.Lock()
	defer a.watching.Unlock()
	u.RunID, u.Label, u.Stage, u.Task, u.Seed = a.id, a.job.Label, a.job.Spec.Stage, a.job.Spec.Task.Name, a.job.Spec.Seed
	a.Watch(u)
}
