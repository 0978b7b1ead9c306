package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

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
// other when its lease has run out.
func (r *Runner) Reap(ctx context.Context) ([]string, error) {
	rows, err := r.Store.ListRuns(ctx, tracking.RunFilter{Statuses: []tracking.Status{tracking.Pending, tracking.Running}, OldestFirst: true})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, row := range rows {
		lease, err := r.Store.GetLease(ctx, row.ID)
		if errors.Is(err, tracking.NotFound) && row.Status == tracking.Pending && r.Now().Sub(row.Created) > r.leaseTTL() {
			// Its host was killed between writing the row and taking the lease.
			if err := r.Store.SetStatus(ctx, row.ID, tracking.Lost, "its host ended before it took the run up"); err != nil && !errors.Is(err, tracking.Conflict) {
				return ids, err
			}
			ids = append(ids, row.ID)
			continue
		} else if errors.Is(err, tracking.NotFound) {
			continue
		} else if err != nil {
			return ids, err
		}
		if !strings.HasPrefix(lease.Holder, hostname()+":") || !living.Dead(filepath.Join(r.Dir, "runs", row.ID, markName)) {
			continue
		}
		err = r.Store.SetStatus(ctx, row.ID, tracking.Lost, "its host ended without ending the run (it was killed, or the machine went down); last heartbeat "+lease.Heartbeat.Format(time.RFC3339))
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
