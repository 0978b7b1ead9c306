package run

import (
	"context"
	"sync"
	"time"

	"github.com/tunelab/tunelab/framework/data"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/artifact"
)

// Job is one run to make.
type Job struct {
	Experiment string // name
	Label      string // how the table calls the method; kept as the run's name
	Spec       spec.Run
	Plugin     string // path of the plugin binary; "": found by the method's name
	ModelDir   string
	Data       *data.Prepared // already cut to the budget
	Parents    []tracking.Parent
	Inputs     map[string]string // artifact folders of parent runs, by name
	Gold       Gold              // nil: the task has no gold reward
	HeldOut    []spec.Item       // the base's own held-out text, for forgetting; Target set
	Source     Source            // where model, data and plugin lie on this machine, for replay and resume
	Resume     string            // id of a stopped run to go on from
	Reuse      bool              // a finished run of the same experiment, spec and plugin is taken instead of a new one
	Trial      bool              // a tuning trial: scored on the validation split, never on the test split
}

// Source says where a run's parts were found. It is recorded beside the spec,
// not in it: the spec names content only.
type Source struct {
	Model    string `json:"model"`              // folder, "" for the embedded model
	Task     string `json:"task"`               // file or embedded task
	Plugin   string `json:"plugin,omitempty"`   // binary, "" when found by name
	Test     int    `json:"test,omitempty"`     // test items asked, 0 for all
	DataSeed int64  `json:"data_seed"`          // of the choice of the budget's examples
	HeldOut  string `json:"held_out,omitempty"` // file of the text that forgetting is measured on, "" for the model's own
}

// Gold is a reward that the host knows and no plugin ever sees.
type Gold func(fields map[string]any, response string) (float64, error)

// Update tells whoever watches how a run goes.
type Update struct {
	RunID    string
	Label    string
	Stage    string
	Task     string
	Seed     int64
	Phase    string // "estimate", "train", "predict test", ...
	Step     int64
	Total    int64
	Metric   string
	Value    float64
	Log      string
	Estimate *spec.Estimate  // set once, before it trains
	Status   tracking.Status // set once, at the end
	Reason   string
	Score    *tracking.Score // with the status, of a finished run: by the metric that it is judged by
}

// Runner makes runs on this machine.
type Runner struct {
	Store     tracking.Store
	Artifacts *artifact.Store
	Dir       string // state folder: run folders and caches are under it
	Find      host.FindOptions
	Features  host.Features // what plugins may ask for; nil: nothing
	// Seconds predicts the time that an estimate's calls take on this machine; nil: it
	// is not asked for.
	Seconds func(context.Context, spec.Estimate, spec.Compute) (float64, error)
	Watch   func(Update) // may be nil; called from one goroutine at a time
	Version string       // of this program
	Now     func() time.Time
	// HungAfter ends a plugin that neither sends an event nor answers Health
	// for this long; 0 means two minutes.
	HungAfter time.Duration
	StopGrace time.Duration // a stopped plugin may take as long to write its checkpoint; 0 means 30 seconds
	LeaseTTL  time.Duration // a silent host's run is lost after it; 0 means tracking.DefaultLeaseTTL; renewed four times in it

	watching sync.Mutex // one update at a time
}
