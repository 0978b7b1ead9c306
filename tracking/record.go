package tracking

import (
	"encoding/json"
	"time"
)

// Metric is one measured number of a run.
//
// Seq orders a run's metrics, from 1. A writer that numbers them itself can
// send a batch again after a lost answer: an equal metric that is already
// there is no error, another one under the same number is a Conflict. With
// Seq 0 the store gives the next number and writes it back.
type Metric struct {
	Run   string    `json:"run"` // filled in by the store
	Seq   int64     `json:"seq"`
	Name  string    `json:"name"` // e.g. "train/loss"
	Step  int64     `json:"step"`
	Time  time.Time `json:"time"` // default: the store's clock
	Value float64   `json:"value"`
}

// Event is something that happened in a run: a state change, a sample, a
// warning. Seq is as in Metric, in a sequence of its own.
type Event struct {
	Run   string          `json:"run"` // filled in by the store
	Seq   int64           `json:"seq"`
	Time  time.Time       `json:"time"`  // default: the store's clock
	Kind  string          `json:"kind"`  // e.g. "sample", "checkpoint", "log"
	Level string          `json:"level"` // "debug", "info" (default), "warn" or "error"
	Data  json.RawMessage `json:"data,omitempty"`
}

// Note is the kind of event that an ended run still takes.
const Note = "note"

// Prediction is a run's answer to one item and what the host gave for it.
// Run, Task, Split, ItemID and Mode name it; it is written once.
type Prediction struct {
	Run      string          `json:"run"` // filled in by the store
	Task     string          `json:"task"`
	Split    string          `json:"split"` // e.g. "test"
	ItemID   string          `json:"item_id"`
	ItemHash string          `json:"item_hash"` // SHA-256 of the item as it was asked
	Mode     string          `json:"mode"`      // generate, choices, labels, logprobs or reward
	Output   json.RawMessage `json:"output"`
	Score    float64         `json:"score"`             // NaN where one item has none
	Correct  *bool           `json:"correct,omitempty"` // nil where right and wrong do not apply
	Overlap  bool            `json:"overlap,omitempty"` // the item stands verbatim in the training split
	Detail   json.RawMessage `json:"detail,omitempty"`
}

// Score is a metric over the items of a split, by the host's scorer. Run,
// Task, Split and Metric name it; it is written once.
type Score struct {
	Run    string          `json:"run"` // filled in by the store
	Task   string          `json:"task"`
	Split  string          `json:"split"`
	Metric string          `json:"metric"` // e.g. "accuracy"
	Value  float64         `json:"value"`
	N      int64           `json:"n"`       // items
	StdErr float64         `json:"std_err"` // NaN when not known
	Detail json.RawMessage `json:"detail,omitempty"`
}

// Direction says whether a run read or wrote an artifact.
type Direction string

// The two directions of an artifact.
const (
	In  Direction = "in"
	Out Direction = "out"
)

// ArtifactRef names a file that a run read or made, by content. Run,
// Direction and Path name it. Until the run has ended, writing it again
// replaces the hash (a newer checkpoint under the same path).
type ArtifactRef struct {
	Run       string    `json:"run"` // filled in by the store
	Direction Direction `json:"direction"`
	Kind      string    `json:"kind"`   // e.g. "adapter", "checkpoint", "model", "dataset", "plot"
	Path      string    `json:"path"`   // relative, with "/" between its parts: "adapter/adapter_model.safetensors"
	SHA256    string    `json:"sha256"` // 64 lower-case hexadecimal digits
	Size      int64     `json:"size"`   // bytes
}

// Lease says which process works on a run and until when it is believed.
type Lease struct {
	Run       string    `json:"run"`
	Holder    string    `json:"holder"` // e.g. "hostname:pid:start"
	Expires   time.Time `json:"expires"`
	Heartbeat time.Time `json:"heartbeat"` // the last Acquire or Renew
}

// The usual pace of leases: four heartbeats fit into one time to live.
const (
	DefaultLeaseTTL  = time.Minute
	DefaultHeartbeat = 15 * time.Second
)
