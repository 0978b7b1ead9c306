package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/artifact"
)

// DeleteRun removes an ended run: its row, metrics, predictions and folder. A
// run that others came from stays. Its files are freed by Collect.
func (l *Lab) DeleteRun(ctx context.Context, id string) (string, error) {
	row, err := l.Store.GetRun(ctx, id)
	if err != nil {
		return "", err
	}
	if err := l.Store.DeleteRun(ctx, row.ID); err != nil {
		return "", err
	}
	if err := os.RemoveAll(filepath.Join(l.Dir, "runs", row.ID)); err != nil {
		return row.ID, fmt.Errorf("remove the folder of run %s: %w", row.ID, err)
	}
	return row.ID, nil
}

// Collect frees the artifacts that no run names any more, such as those of
// deleted runs and all but the last checkpoint of each run, and the folders of
// finished runs, whose files lie in the artifact store. What is younger than an
// hour stays: a run under way may be about to need it.
func (l *Lab) Collect(ctx context.Context) (artifact.Collected, error) {
	runs, err := l.Store.ListRuns(ctx, tracking.RunFilter{Statuses: []tracking.Status{tracking.Finished}})
	if err != nil {
		return artifact.Collected{}, err
	}
	for _, r := range runs {
		used, err := l.inUse(ctx, r)
		if err != nil {
			return artifact.Collected{}, err
		}
		if used {
			continue
		}
		for _, part := range []string{"artifacts", "sealed", "result", "resume", "data", "checkpoints", ".sent"} {
			if err := os.RemoveAll(filepath.Join(l.Dir, "runs", r.ID, part)); err != nil {
				return artifact.Collected{}, fmt.Errorf("clear the folder of run %s: %w", r.ID, err)
			}
		}
	}
	return l.Artifacts.Collect(ctx, l.Store.ReferencedHashes, time.Now().Add(-artifact.Grace))
}

// inUse tells whether a run under way may still read a finished run's folder:
// one that started from it, or the next stage of its chain, about to start.
func (l *Lab) inUse(ctx context.Context, r tracking.Run) (bool, error) {
	if time.Since(r.Ended) < artifact.Grace {
		return true, nil
	}
	children, err := l.Store.Children(ctx, r.ID)
	if err != nil {
		return false, err
	}
	for _, c := range children {
		child, err := l.Store.GetRun(ctx, c.Run)
		if err != nil {
			return false, err
		}
		if !child.Status.Ended() {
			return true, nil
		}
	}
	return false, nil
}
