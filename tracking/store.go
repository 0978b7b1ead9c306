package tracking

import (
	"context"
	"time"
)

// Store keeps the record. All methods may be called from many goroutines, and
// many processes may have the same record open.
//
// A run argument is a full id; only GetRun takes a prefix. A method that names
// a run or experiment that is not there returns NotFound. A write returns only
// once it is durable. When ctx ends first, the error is ctx.Err() and nothing
// was written. A failing write changes nothing: a batch goes in whole or not
// at all.
type Store interface {
	// CreateExperiment makes an experiment; a taken name is a Conflict.
	CreateExperiment(ctx context.Context, name string) (Experiment, error)
	// GetOrCreateExperiment finds the experiment of that name or makes it.
	GetOrCreateExperiment(ctx context.Context, name string) (Experiment, error)
	// GetExperiment finds an experiment by id or name.
	GetExperiment(ctx context.Context, idOrName string) (Experiment, error)
	// ListExperiments lists them, oldest first.
	ListExperiments(ctx context.Context) ([]Experiment, error)

	// CreateRun writes a pending run with its parameters and parents, and
	// returns it as stored.
	CreateRun(ctx context.Context, r NewRun) (Run, error)
	// UpdateRun changes the fields that u names.
	UpdateRun(ctx context.Context, run string, u RunUpdate) error
	// SetStatus moves a run to another status, with the reason for people.
	// An illegal move is a Conflict; the status it already has is no error
	// and changes nothing. Running needs an unexpired lease. Ending a run
	// deletes its lease.
	SetStatus(ctx context.Context, run string, s Status, reason string) error
	// GetRun finds a run by its id or a unique prefix of it; an ambiguous
	// prefix is a Conflict whose message lists the candidates.
	GetRun(ctx context.Context, idOrPrefix string) (Run, error)
	// ListRuns lists the runs that f lets through, newest first unless
	// f.OldestFirst.
	ListRuns(ctx context.Context, f RunFilter) ([]Run, error)
	// DeleteRun removes an ended run and all its rows. A run with children
	// is a Conflict. Its artifacts become garbage unless another run names
	// them.
	DeleteRun(ctx context.Context, run string) error
	// Params lists a run's parameters by key.
	Params(ctx context.Context, run string) ([]Param, error)
	// Parents lists the runs that this one came from, in the order given.
	Parents(ctx context.Context, run string) ([]Parent, error)
	// Children lists the runs that came from this one, oldest first.
	Children(ctx context.Context, run string) ([]Parent, error)

	// AppendMetrics adds metrics; see Metric for Seq, which it fills in.
	AppendMetrics(ctx context.Context, run string, ms []Metric) error
	// Metrics lists a run's metrics by Seq.
	Metrics(ctx context.Context, run string, f MetricFilter) ([]Metric, error)
	// AppendEvents adds events. After the run's end it takes notes only
	// (kind "note"): a host that was taken for dead must not write on.
	AppendEvents(ctx context.Context, run string, es []Event) error
	// Events lists a run's events by Seq.
	Events(ctx context.Context, run string, f EventFilter) ([]Event, error)

	// PutPredictions writes predictions. One that is already there with
	// equal content is no error; with another content it is a Conflict.
	PutPredictions(ctx context.Context, run string, ps []Prediction) error
	// Predictions lists them in the order in which they were written.
	Predictions(ctx context.Context, run string, f PredictionFilter) ([]Prediction, error)
	// PutScores writes scores, with the rule of PutPredictions.
	PutScores(ctx context.Context, run string, ss []Score) error
	// Scores lists a run's scores by task, split and metric.
	Scores(ctx context.Context, run string) ([]Score, error)
	// PutArtifacts writes references; see ArtifactRef.
	PutArtifacts(ctx context.Context, run string, as []ArtifactRef) error
	// Artifacts lists a run's references by direction and path; an empty
	// direction means both.
	Artifacts(ctx context.Context, run string, d Direction) ([]ArtifactRef, error)
	// ReferencedHashes lists, sorted, the hash of every artifact that any
	// run names: what the garbage collector must keep.
	ReferencedHashes(ctx context.Context) ([]string, error)

	// Acquire takes the lease on a run that has not ended. One that another
	// holder has is a Conflict; if it expired it can be taken as long as the
	// run is pending (a running run is reaped and resumed as a new one).
	Acquire(ctx context.Context, run, holder string, ttl time.Duration) (Lease, error)
	// Renew is the heartbeat. A lease that is gone, because the run ended or
	// was reaped, is a Conflict: the holder must stop. A late holder may
	// renew an expired lease that nobody reaped.
	Renew(ctx context.Context, run, holder string, ttl time.Duration) (Lease, error)
	// Release gives the lease back; when it is already gone that is no error.
	Release(ctx context.Context, run, holder string) error
	// GetLease is the run's lease; NotFound when it has none.
	GetLease(ctx context.Context, run string) (Lease, error)
	// ReapLost ends, as Lost with a reason, the running runs whose lease is
	// gone or expired at now, and the pending runs whose lease expired. A
	// zero now means the store's clock. It returns their ids, oldest first.
	ReapLost(ctx context.Context, now time.Time) ([]string, error)

	// Close ends the store after the writes under way.
	Close() error
}

// RunFilter lets runs through that match every field that is set.
type RunFilter struct {
	Experiment  string // id or name
	Method      string
	Stage       string
	Task        string
	SpecHash    string
	Seed        *int64
	Statuses    []Status // any of them; empty: all
	Limit       int      // 0: no limit
	Offset      int      // runs to skip
	OldestFirst bool
}

// MetricFilter picks among a run's metrics.
type MetricFilter struct {
	Name  string // "": all
	After int64  // only those with a greater Seq
	Limit int    // 0: no limit
}

// EventFilter picks among a run's events.
type EventFilter struct {
	Kind  string // "": all
	Level string // "": all
	After int64  // only those with a greater Seq
	Limit int    // 0: no limit
}

// PredictionFilter picks among a run's predictions.
type PredictionFilter struct {
	Task  string // "": all
	Split string // "": all
	Mode  string // "": all
}
