package compare

import "github.com/tunelab/tunelab/framework/spec"

// Result is one run's score on one task by one metric.
type Result struct {
	RunID         string             `json:"run_id"`
	Method        string             `json:"method"`          // plugin name, or the baseline's
	Label         string             `json:"label,omitempty"` // tells variants of a method apart; empty: the method's name
	Task          string             `json:"task"`
	Metric        string             `json:"metric"`
	LowerIsBetter bool               `json:"lower_is_better,omitempty"`
	Seed          int64              `json:"seed"`
	ItemIDs       []string           `json:"item_ids,omitempty"`     // test items
	ItemScores    []float64          `json:"item_scores,omitempty"`  // one per item, in the metric's unit
	ItemWeights   []float64          `json:"item_weights,omitempty"` // one per item, such as tokens; empty: equal
	Value         float64            `json:"value"`                  // the metric over all items
	Cost          Cost               `json:"cost"`
	Status        string             `json:"status"`           // Finished (also ""), NotApplicable, or any other: failed
	Reason        string             `json:"reason,omitempty"` // why it is not applicable or failed
	Baseline      bool               `json:"baseline,omitempty"`
	Extra         map[string]float64 `json:"extra,omitempty"` // further scores by name, e.g. "held-out loss before"
}

// Statuses of a result. Any other status is shown as failed, with its name.
const (
	Finished      = "finished"
	NotApplicable = "not applicable"
	Failed        = "failed"
)

// Majority is the baseline that answers the commonest training label. Methods
// are compared pairwise with every other baseline (the base model zero-shot),
// and not with this one.
const Majority = "majority"

// Cost is what a run used, or what runs used on average.
type Cost = spec.Cost

// name is the row that a result belongs to.
func (r Result) name() string {
	if r.Label != "" {
		return r.Label
	}
	return r.Method
}
