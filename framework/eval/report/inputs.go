package report

// Inputs is what a report shows beside the comparison. Every field may be
// empty.
type Inputs struct {
	Title    string    // default: "Comparison"
	Settings []Setting // of the study, shown in this order
	Curves   []Curve
	Samples  []Sample
}

// Setting is one line of the study's description, such as base model or seeds.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Curve is one metric of one run over its steps.
type Curve struct {
	Label  string // the row's name in the comparison
	Task   string
	Metric string // such as "train/loss"
	Seed   int64
	Steps  []int64   // ascending
	Values []float64 // one a step; NaN and infinities leave gaps
}

// Sample is one test item as a method answered it.
type Sample struct {
	Label     string // the row's name in the comparison
	Task      string
	Item      string // the item's id
	Prompt    string
	Answer    string
	Reference string // the right answer; empty where there is none
	Score     float64
}

func (in Inputs) title() string {
	if in.Title == "" {
		return "Comparison"
	}
	return in.Title
}
