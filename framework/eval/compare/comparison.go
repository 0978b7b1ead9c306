package compare

import "github.com/tunelab/tunelab/framework/eval/stats"

// Options sets a comparison. The zero value is the default.
type Options struct {
	Margin     float64            `json:"margin"`            // of equivalence, in the metric's unit; default 0.02 (2 points)
	Margins    map[string]float64 `json:"margins,omitempty"` // by metric, in place of Margin
	Alpha      float64            `json:"alpha"`             // family-wise error rate; default 0.05
	Replicates int                `json:"replicates"`        // of each bootstrap; default 2000
	Seed       uint64             `json:"seed"`              // of every resampling; default 0
	Rows       []string           `json:"rows,omitempty"`    // names of rows in the order to show; others come after, as first seen
	Tasks      []string           `json:"tasks,omitempty"`   // tasks in the order to show; others come after, as first seen
}

// Comparison is the table and its claims.
type Comparison struct {
	Options Options   `json:"options"` // with the defaults filled in
	Columns []Column  `json:"columns"` // by Options.Tasks, then in the order first seen
	Rows    []Row     `json:"rows"`    // methods by Options.Rows, then in the order first seen, then baselines
	Claims  []Claim   `json:"claims"`  // by column, then by row pair
	Costs   []CostRow `json:"costs"`   // by row, then task
	Notes   []string  `json:"notes"`   // footnotes that every table carries
}

// Column is one task and metric.
type Column struct {
	Task          string  `json:"task"`
	Metric        string  `json:"metric"`
	LowerIsBetter bool    `json:"lower_is_better"`
	Percent       bool    `json:"percent"` // scores are shares in [0, 1], shown in points
	Margin        float64 `json:"margin"`  // of equivalence
	Pairs         int     `json:"pairs"`   // size of Holm's family: pairs that were tested
}

// Row is one method, variant or baseline.
type Row struct {
	Name     string `json:"name"`
	Method   string `json:"method"`
	Baseline bool   `json:"baseline"`
	Cells    []Cell `json:"cells"` // one per column
}

// Cell is a row's score in a column.
type Cell struct {
	State    string             `json:"state"`            // Finished, NotApplicable, Failed, or Missing
	Reason   string             `json:"reason,omitempty"` // when not finished
	Mean     float64            `json:"mean"`             // over seeds
	Interval *stats.Interval    `json:"interval,omitempty"`
	Basis    string             `json:"basis,omitempty"` // how the interval was made
	Seeds    []int64            `json:"seeds,omitempty"`
	Values   []float64          `json:"values,omitempty"` // per seed, as Seeds
	Items    int                `json:"items"`            // test items per seed
	Runs     []string           `json:"runs,omitempty"`   // per seed, as Seeds
	Lost     []string           `json:"lost,omitempty"`   // seeds that failed beside those that finished, with the reason
	Extra    map[string]float64 `json:"extra,omitempty"`  // mean over the seeds that have it
}

// Missing is the state of a cell without any result.
const Missing = "missing"

// Claim is the outcome of one pair in one column.
type Claim struct {
	Task       string          `json:"task"`
	Metric     string          `json:"metric"`
	A          string          `json:"a"`
	B          string          `json:"b"`
	About      string          `json:"about"` // "runs" or "methods"
	Seeds      int             `json:"seeds"` // paired
	Items      int             `json:"items"` // paired
	Difference float64         `json:"difference"`
	Interval   *stats.Interval `json:"interval,omitempty"` // 95%, of A minus B
	Test       string          `json:"test,omitempty"`     // empty: not testable
	P          *float64        `json:"p,omitempty"`
	HolmP      *float64        `json:"holm_p,omitempty"`
	TOSTHolmP  *float64        `json:"tost_holm_p,omitempty"`
	Verdict    string          `json:"verdict"` // Better, Equivalent, Unresolved or Untested
	Winner     string          `json:"winner,omitempty"`
	Text       string          `json:"text"`                          // the claim in words
	MoreSeeds  int             `json:"seeds_to_resolve,omitempty"`    // about how many in all
	MoreItems  int             `json:"examples_to_resolve,omitempty"` // about how many in all
}

// Verdicts of a claim.
const (
	Better     = "better"
	Equivalent = "equivalent"
	Unresolved = "not resolved"
	Untested   = "cannot be tested"
)

// CostRow is the mean cost of a row's finished runs on one task.
type CostRow struct {
	Name     string `json:"name"`
	Baseline bool   `json:"baseline"`
	Task     string `json:"task"`
	Runs     int    `json:"runs"`
	Cost     Cost   `json:"cost"` // means; memory is the maximum
}
