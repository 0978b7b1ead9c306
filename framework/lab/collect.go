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
// finished runs, whose files lie in the artifact store. Artifacts younger than
// an hour stay: a run under way may be about to name them.
func (l *Lab) Collect(ctx context.Context) (artifact.Collected, error) {
	runs, err := l.Store.ListRuns(ctx, tracking.RunFilter{Statuses: []tracking.Status{tracking.Finished}})
	if err != nil {
		return artifact.Collected{}, err
	}
	for _, r := range runs {
		for _, part := range []string{"artifacts", "sealed", "result", "resume", "data", "checkpoints"} {
			if err := os.RemoveAll(filepath.Join(l.Dir, "runs", r.ID, part)); err != nil {
				return artifact.Collected{}, fmt.Errorf("clear the folder of run %s: %w", r.ID, err)
			}
		}
	}
	return l.Artifacts.Collect(ctx, l.Store.ReferencedHashes, time.Now().Add(-artifact.Grace))
}
