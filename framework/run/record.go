package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/artifact"
)

// recorder turns a plugin's events into rows. Metrics are written in batches:
// each returns only when it is durable, and everything before an event that is
// not a metric is written before that event.
type recorder struct {
	a       *active
	metrics []tracking.Metric
	written int // metrics of the run so far
	last    time.Time
}

// A batch is written when it is this large or this old.
const (
	batchMetrics = 256
	batchAge     = 500 * time.Millisecond
)

func (r *recorder) event(e *pb.Event) error {
	a := r.a
	if m := e.GetMetric(); m != nil {
		r.metrics = append(r.metrics, tracking.Metric{Name: m.GetName(), Step: m.GetStep(), Value: m.GetValue(), Time: a.Now()})
		a.update(Update{Metric: m.GetName(), Step: m.GetStep(), Value: m.GetValue()})
		if len(r.metrics) >= batchMetrics || a.Now().Sub(r.last) > batchAge {
			return r.flush()
		}
		return nil
	}
	if p := e.GetProgress(); p != nil {
		a.update(Update{Phase: p.GetPhase(), Step: p.GetStep(), Total: p.GetTotal()})
		return nil
	}
	if err := r.flush(); err != nil {
		return err
	}
	switch {
	case e.GetLog() != nil:
		a.update(Update{Log: e.GetLog().GetMessage()})
		level := e.GetLog().GetLevel()
		if level == "warning" {
			level = "warn"
		}
		return r.append("log", level, map[string]any{"message": e.GetLog().GetMessage()})
	case e.GetSample() != nil:
		return r.sample(e.GetSample())
	case e.GetCheckpoint() != nil:
		return r.checkpoint(e.GetCheckpoint())
	case e.GetArtifact() != nil:
		return nil // sealed together at the end
	}
	return nil
}

func (r *recorder) flush() error {
	r.last = r.a.Now()
	if len(r.metrics) == 0 {
		return nil
	}
	err := r.a.Store.AppendMetrics(context.Background(), r.a.id, r.metrics)
	if err == nil {
		r.written += len(r.metrics)
	}
	r.metrics = r.metrics[:0]
	return err
}

func (r *recorder) append(kind, level string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return r.a.Store.AppendEvents(context.Background(), r.a.id, []tracking.Event{{Kind: kind, Level: level, Data: raw}})
}

// sample records a validation response and, where the task has one, its gold
// reward, which the plugin never sees.
func (r *recorder) sample(s *pb.Sample) error {
	row := map[string]any{"step": s.GetStep(), "item": s.GetItemId(), "prompt": s.GetPrompt(), "text": s.GetText()}
	if r.a.job.Gold != nil {
		fields := r.a.job.Data.AllFields(s.GetItemId())
		if fields == nil {
			return fmt.Errorf("the plugin sent a sample of item %q, which is in no split", s.GetItemId())
		}
		v, err := r.a.job.Gold(fields, s.GetText())
		if err != nil {
			return fmt.Errorf("gold reward of a sample: %w", err)
		}
		row["gold"] = v
		r.metrics = append(r.metrics, tracking.Metric{Name: "eval/gold_reward", Step: s.GetStep(), Value: v, Time: r.a.Now()})
	}
	return r.append("sample", "info", row)
}

// checkpoint stores the folder by content, so that a resumed run finds it even
// when the run's folder is gone.
func (r *recorder) checkpoint(c *pb.Checkpoint) error {
	path := filepath.FromSlash(c.GetFile().GetPath())
	if !filepath.IsLocal(path) || filepath.Clean(path) == "." {
		return fmt.Errorf("the plugin's checkpoint %q is not a folder under the run's own", c.GetFile().GetPath())
	}
	dir := filepath.Join(r.a.work, path)
	ctx := context.Background()
	refs, err := r.a.Artifacts.PutTree(ctx, dir, "checkpoint")
	if err != nil {
		return fmt.Errorf("store the checkpoint: %w", err)
	}
	at := saved{Step: c.GetStep(), Metrics: r.written}
	for i := range refs {
		refs[i].Direction = tracking.Out
		refs[i].Path = checkpointPrefix + refs[i].Path
		at.Files = append(at.Files, refs[i].Path)
	}
	raw, err := json.Marshal(at)
	if err != nil {
		return err
	}
	blob, err := r.a.Artifacts.PutReader(ctx, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("store the checkpoint: %w", err)
	}
	refs = append(refs, tracking.ArtifactRef{Direction: tracking.Out, Kind: "checkpoint", Path: savedPath, SHA256: blob.SHA256, Size: blob.Size})
	if err := r.a.Store.PutArtifacts(ctx, r.a.id, refs); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	r.a.resumable = true
	return r.append("checkpoint", "info", at)
}

const (
	checkpointPrefix = "checkpoint/"
	savedPath        = checkpointPrefix + ".saved.json"
)

// saved says what a checkpoint is. It is stored with the checkpoint's files in
// one write, so that a kill never leaves the files of one beside the count of
// another.
type saved struct {
	Step    int64    `json:"step"`
	Metrics int      `json:"metrics"` // how many the run had by then
	Files   []string `json:"files"`   // paths of its artifacts; those of older checkpoints may stand beside them
}

// seal stores the result by content; after that the artifacts cannot change.
func (a *active) seal(ctx context.Context) error {
	refs, err := a.Artifacts.PutTree(ctx, filepath.Join(a.work, "artifacts"), "result")
	if err != nil {
		return fmt.Errorf("store the result: %w", err)
	}
	for i := range refs {
		refs[i].Direction = tracking.Out
		refs[i].Path = "result/" + refs[i].Path
		a.cost.ArtifactBytes += refs[i].Size
	}
	return a.Store.PutArtifacts(ctx, a.id, refs)
}

// resumeFrom lays out the last checkpoint of the run that this one goes on from,
// and makes it and that run's metrics up to it part of this run too. Without a
// checkpoint the run starts from its beginning.
func (r *recorder) resumeFrom(ctx context.Context) (host.File, error) {
	a := r.a
	if a.job.Resume == "" {
		return host.File{}, nil
	}
	refs, err := a.Store.Artifacts(ctx, a.job.Resume, tracking.Out)
	if err != nil {
		return host.File{}, err
	}
	at, err := a.savedIn(refs)
	if err != nil || at == nil {
		return host.File{}, err
	}
	if at.Metrics > 0 {
		if r.metrics, err = a.Store.Metrics(ctx, a.job.Resume, tracking.MetricFilter{Limit: at.Metrics}); err != nil {
			return host.File{}, err
		}
	}
	for i := range r.metrics {
		r.metrics[i].Run, r.metrics[i].Seq = "", 0
	}
	files := slices.DeleteFunc(slices.Clone(refs), func(f tracking.ArtifactRef) bool { return !slices.Contains(at.Files, f.Path) })
	dir := filepath.Join(a.work, "resume")
	if err := materialize(ctx, a.Artifacts, files, checkpointPrefix, dir); err != nil {
		return host.File{}, err
	}
	refs = slices.DeleteFunc(refs, func(f tracking.ArtifactRef) bool { return f.Path != savedPath && !slices.Contains(at.Files, f.Path) })
	if err := errors.Join(r.flush(), a.Store.PutArtifacts(ctx, a.id, refs), r.append("checkpoint", "info", at)); err != nil {
		return host.File{}, err
	}
	return host.File{Path: dir}, nil
}

// savedIn reads what the last checkpoint among a run's artifacts is; nil when
// there is none.
func (a *active) savedIn(refs []tracking.ArtifactRef) (*saved, error) {
	for _, f := range refs {
		if f.Path != savedPath {
			continue
		}
		r, err := a.Artifacts.Open(f.SHA256)
		if err != nil {
			return nil, fmt.Errorf("the checkpoint of run %s: %w", a.job.Resume, err)
		}
		defer r.Close()
		var at saved
		if err := json.NewDecoder(r).Decode(&at); err != nil {
			return nil, fmt.Errorf("the checkpoint of run %s: %w", a.job.Resume, err)
		}
		return &at, nil
	}
	return nil, nil
}

// materialize writes the artifacts under prefix to dir.
func materialize(ctx context.Context, s *artifact.Store, refs []tracking.ArtifactRef, prefix, dir string) error {
	var want []tracking.ArtifactRef
	for _, r := range refs {
		if len(r.Path) > len(prefix) && r.Path[:len(prefix)] == prefix {
			r.Path = r.Path[len(prefix):]
			want = append(want, r)
		}
	}
	if len(want) == 0 {
		return fmt.Errorf("the run has no %s artifacts", prefix[:len(prefix)-1])
	}
	return s.Materialize(ctx, want, dir, artifact.Copy)
}
