package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/tracking"
)

// defaultStopGrace is how long a stopped plugin may take to write its
// checkpoint.
const defaultStopGrace = 30 * time.Second

var (
	errWallCap   = errors.New("the budget's cap on wall time ended it")
	errLeaseLost = errors.New("another process took the run for lost, so this one stopped working on it")
	errDeaf      = errors.New("the plugin did not stop when asked")
)

// stopped says why a run ended early.
func (a *active) stopped(ctx context.Context) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return &stopError{reason: "the plugin stopped by itself"}
	case errors.Is(cause, errWallCap):
		return &stopError{reason: errWallCap.Error(), cap: true}
	case errors.Is(cause, errLeaseLost):
		return errLeaseLost
	}
	return &stopError{reason: "stopped by the user; resume it with: tunelab run --resume " + a.id}
}

type stopError struct {
	reason string
	cap    bool
}

func (e *stopError) Error() string { return e.reason }

// stopOn asks the plugin to checkpoint when ctx ends, and kills it when it
// does not within the grace time.
func (a *active) stopOn(ctx, runCtx context.Context, c *host.Client, kill context.CancelCauseFunc) {
	select {
	case <-runCtx.Done():
		return
	case <-ctx.Done():
	}
	a.update(Update{Phase: "stopping: writing a checkpoint"})
	grace := a.stopGrace()
	late := time.After(grace)
	_ = c.Stop(a.id, grace) // a plugin that cannot be asked has crashed, which ends its run, or is deaf
	select {
	case <-runCtx.Done():
	case <-late:
		kill(errDeaf)
	}
}

func (r *Runner) stopGrace() time.Duration {
	if r.StopGrace > 0 {
		return r.StopGrace
	}
	return defaultStopGrace
}

// end writes the run's true end state, whatever happened.
func (a *active) end(err error) error {
	ctx := context.Background()
	status, reason := tracking.Finished, ""
	var crashed *host.CrashedError
	var hung *host.HungError
	var stop *stopError
	notReplayable := false
	switch {
	case err == nil:
	case errors.As(err, &stop):
		status, notReplayable = tracking.Stopped, stop.cap
	case errors.As(err, &crashed), errors.As(err, &hung):
		status = tracking.Crashed
	default:
		status = tracking.Failed
	}
	if status == tracking.Crashed && a.resumable {
		err = fmt.Errorf("%w\nits last checkpoint stands; go on with: tunelab run --resume %s", err, a.id)
	}
	if err != nil {
		reason = err.Error()
	}
	defer a.mark.Release()
	a.cost.WallSeconds = a.Now().Sub(a.start).Seconds()
	up := tracking.RunUpdate{LogTail: &a.log, NotReplayable: &notReplayable}
	if raw, e := json.Marshal(a.cost); e == nil {
		up.Cost = raw
	}
	storeErr := a.Store.UpdateRun(ctx, a.id, up)
	if e := a.Store.SetStatus(ctx, a.id, status, reason); storeErr == nil {
		storeErr = e
	}
	if row, e := a.Store.GetRun(ctx, a.id); e == nil {
		status = row.Status // lost, when another process ended it
	}
	a.update(Update{Status: status, Reason: reason, Score: a.main})
	if err == nil {
		a.clear()
		return storeErr
	}
	return fmt.Errorf("run %s %s: %w", a.id, status, err)
}

// clear removes what a finished run's folder holds twice: its files lie in the
// artifact store.
func (a *active) clear() {
	for _, part := range []string{"artifacts", "sealed", "resume"} {
		_ = os.RemoveAll(filepath.Join(a.work, part)) // of no more use, and Collect tries again
	}
}
