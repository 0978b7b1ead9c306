package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/living"
	"github.com/tunelab/tunelab/tracking"
)

// markName is the file in a run's folder that the host working on it locks.
const markName = "host"

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

func (r *Runner) leaseTTL() time.Duration {
	if r.LeaseTTL > 0 {
		return r.LeaseTTL
	}
	return tracking.DefaultLeaseTTL
}

// heartbeat renews the lease while the run goes on. When the lease is gone the
// record says that the run is lost, and so it is given up.
func (a *active) heartbeat(ctx context.Context, lose context.CancelCauseFunc) {
	tick := time.NewTicker(a.leaseTTL() / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := a.Store.Renew(ctx, a.id, a.holder, a.leaseTTL())
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, tracking.Conflict) {
			lose(errLeaseLost)
			return
		}
		if err != nil {
			a.update(Update{Log: "the run's lease could not be renewed: " + err.Error()})
		}
	}
}

// Reap ends as lost the runs that nobody works on any more, and returns their
// ids: those of processes of this machine that have ended, at once, and any
// other when its lease has run out. What killed hosts left, processes and
// temporary folders, it ends and removes first.
func (r *Runner) Reap(ctx context.Context) ([]string, error) {
	host.SweepSockets()
	living.SweepTemp(askPrefix, nil)
	if err := r.sweepFolders(ctx); err != nil {
		return nil, err
	}
	rows, err := r.Store.ListRuns(ctx, tracking.RunFilter{Statuses: []tracking.Status{tracking.Pending, tracking.Running}, OldestFirst: true})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, row := range rows {
		why, err := r.abandoned(ctx, row)
		if err != nil {
			return ids, err
		}
		if why == "" {
			continue
		}
		err = r.Store.SetStatus(ctx, row.ID, tracking.Lost, why)
		if errors.Is(err, tracking.Conflict) { // it ended meanwhile
			continue
		} else if err != nil {
			return ids, err
		}
		ids = append(ids, row.ID)
	}
	late, err := r.Store.ReapLost(ctx, r.Now())
	return append(ids, late...), err
}

// abandoned says why a run is lost whose process has ended; "" while that may
// live.
func (r *Runner) abandoned(ctx context.Context, row tracking.Run) (string, error) {
	dead := living.Dead(filepath.Join(r.Dir, "runs", row.ID, markName))
	lease, err := r.Store.GetLease(ctx, row.ID)
	switch {
	case errors.Is(err, tracking.NotFound):
		if row.Status == tracking.Pending && (dead || r.Now().Sub(row.Created) > r.leaseTTL()) {
			return "its host ended before it took the run up", nil
		}
	case err != nil:
		return "", err
	case dead && strings.HasPrefix(lease.Holder, hostname()+":"):
		return "its host ended without ending the run (it was killed, or the machine went down); last heartbeat " + lease.Heartbeat.Format(time.RFC3339), nil
	}
	return "", nil
}

// sweepFolders removes the folders of runs whose host was killed before it had
// written the row.
func (r *Runner) sweepFolders(ctx context.Context) error {
	dirs, err := os.ReadDir(filepath.Join(r.Dir, "runs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read the folders of runs: %w", err)
	}
	for _, d := range dirs {
		dir := filepath.Join(r.Dir, "runs", d.Name())
		if files, err := os.ReadDir(dir); err != nil || len(files) > 1 || !living.Abandoned(dir, markName) {
			continue // it holds more than the mark
		}
		_, err := r.Store.GetRun(ctx, d.Name())
		if errors.Is(err, tracking.NotFound) {
			err = os.RemoveAll(dir)
		}
		if err != nil {
			return fmt.Errorf("remove the folder of a run that never began: %w", err)
		}
	}
	return nil
}
