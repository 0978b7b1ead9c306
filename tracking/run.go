package tracking

import (
	"encoding/json"
	"time"
)

// Experiment groups the runs of one study.
type Experiment struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"` // unique
	Created time.Time `json:"created"`
}

// Run is one row: everything that is needed to run it again, and how it went.
// The JSON fields are opaque to the store, kept byte for byte, and empty when
// not known.
type Run struct {
	ID         string `json:"id"`         // given by the store when empty
	Experiment string `json:"experiment"` // the experiment's id
	Name       string `json:"name,omitempty"`
	Method     string `json:"method"`          // plugin name
	Stage      string `json:"stage,omitempty"` // of a chained method, e.g. "reward"
	Task       string `json:"task"`
	Seed       int64  `json:"seed"`

	Status Status `json:"status"`           // Pending at first
	Reason string `json:"reason,omitempty"` // why it ended as it did, for people

	SpecJSON    json.RawMessage   `json:"spec,omitempty"`         // the resolved run as canonical JSON
	SpecHash    string            `json:"spec_hash"`              // default: the SHA-256 of SpecJSON
	Hashes      map[string]string `json:"hashes,omitempty"`       // SHA-256 by name: model, data, tokenizer, template, plugin, ...
	CodeVersion string            `json:"code_version,omitempty"` // of this program
	Machine     json.RawMessage   `json:"machine,omitempty"`      // where it ran: CPU features, cores, memory, ...
	NamedSeeds  json.RawMessage   `json:"named_seeds,omitempty"`  // of each named random stream

	Unlocked      bool `json:"unlocked,omitempty"`       // the plugin's binary was not pinned by the lock file
	NotReplayable bool `json:"not_replayable,omitempty"` // e.g. ended by a cap on wall time

	Created time.Time `json:"created"`
	Started time.Time `json:"started,omitzero"` // when it became running; zero if never
	Ended   time.Time `json:"ended,omitzero"`   // zero until it ended

	Cost    json.RawMessage `json:"cost,omitempty"`     // what it used
	LogTail string          `json:"log_tail,omitempty"` // the last lines of the plugin's log
}

// Relation says how a run came from its parent.
type Relation string

// The relations of a run to its parent.
const (
	InitialisedFrom Relation = "initialised-from" // its weights start from the parent's
	TunedFrom       Relation = "tuned-from"       // its parameters were chosen by the parent's trial
	StageOf         Relation = "stage-of"         // a step of the parent's chain
	ResumedFrom     Relation = "resumed-from"     // goes on where the parent stopped
	ReplayOf        Relation = "replay-of"        // the parent again, to compare
)

// Valid reports whether r is one of the relations above.
func (r Relation) Valid() bool {
	switch r {
	case InitialisedFrom, TunedFrom, StageOf, ResumedFrom, ReplayOf:
		return true
	}
	return false
}

// Parent is an edge from a run to one that existed before it. The edges are
// given when a run is created, and so they never form a cycle.
type Parent struct {
	Run      string   `json:"run"` // filled in by the store on CreateRun
	Parent   string   `json:"parent"`
	Relation Relation `json:"relation"`
}

// Param is one resolved parameter of a run, defaults included.
type Param struct {
	Run   string          `json:"run"` // filled in by the store on CreateRun
	Key   string          `json:"key"` // e.g. "rank"; unique in its run
	Value json.RawMessage `json:"value"`
}

// NewRun is what CreateRun writes, in one transaction.
type NewRun struct {
	Run     Run // ID, Created and SpecHash may be empty; Status must be "" or Pending
	Params  []Param
	Parents []Parent
}

// RunUpdate changes the fields that are not nil. After a run has ended only
// Name and LogTail may change.
type RunUpdate struct {
	Name          *string
	Hashes        map[string]string // added to those there; a name that is there with another hash is a Conflict
	CodeVersion   *string
	Machine       json.RawMessage
	NamedSeeds    json.RawMessage
	Unlocked      *bool
	NotReplayable *bool
	Cost          json.RawMessage
	LogTail       *string
}
