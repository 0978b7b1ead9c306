package data

import "github.com/tunelab/tunelab/framework/spec"

// Names of the splits.
const (
	SplitTrain      = "train"
	SplitValidation = "validation"
	SplitTest       = "test"
)

// Prepared is a task ready to run: its description with every default filled
// in, and its examples, rendered.
type Prepared struct {
	Task       spec.Task
	Gold       string // name of the gold reward, "" for none
	Train      []spec.Example
	Validation []spec.Example
	Test       []TestItem
	Hash       string  // SHA-256 over the task and every example of the three splits; Budgeted keeps it
	Overlap    Overlap // what the checks between the splits found

	held   []TestItem                // the validation split in the form of Test
	fields map[string]map[string]any // id to all fields of its row
}

// TestItem is one test example: Item is what a method is shown, the rest stays
// with the host.
type TestItem struct {
	Item     spec.Item
	Answer   string         // rendered target; of a classification task: the label's name unless the task has an answer template
	Label    int            // index into Task.Labels or Item.Choices; -1 if neither
	Chosen   string         // preference: the better response
	Rejected string         // preference: the worse response
	Fields   map[string]any // every field of the row; host only
	Hash     string         // SHA-256 of all of the above but Fields
	Overlap  bool           // its prompt stands verbatim in train or validation; only under OverlapReport
}

// AllFields gives every field of the row that an example or item of any split
// was made from, for the host's gold reward; nil for an unknown id. What a
// method sees is Example.Fields and Item.Fields.
func (p *Prepared) AllFields(id string) map[string]any { return p.fields[id] }

// ValidationItems is the validation split in the form of Test, for scoring a
// tuning trial or a training run on the way.
func ValidationItems(p *Prepared) []TestItem { return p.held }

// Items are the test items as methods are shown them, in order.
func (p *Prepared) Items() []spec.Item {
	out := make([]spec.Item, len(p.Test))
	for i := range p.Test {
		out[i] = p.Test[i].Item
	}
	return out
}

// Overlap is what the checks between the splits found.
type Overlap struct {
	Mode          string         `json:"mode"`                 // OverlapError, OverlapReport or OverlapDrop
	Verbatim      []Pair         `json:"verbatim,omitempty"`   // prompts that stand in two splits, found before anything was dropped
	TestIDs       []string       `json:"test_ids,omitempty"`   // test items whose prompt stands in train or validation after dropping; empty unless Mode is report
	Dropped       int            `json:"dropped,omitempty"`    // rows that Mode drop removed from train and validation: the Train side of Verbatim
	Duplicates    map[string]int `json:"duplicates,omitempty"` // split (or "file", before the split) to rows whose prompt an earlier row of it has
	SamePair      int            `json:"same_pair,omitempty"`  // preference rows whose chosen and rejected responses are equal; they teach nothing
	NGramChecked  int            `json:"ngram_checked"`        // test items with an input field of NGram words or more
	NGram         []string       `json:"ngram,omitempty"`      // test ids that share an n-gram of NGram words with a training row; a report only
	DistinctTrain int            `json:"distinct_train"`       // distinct prompts of each split, after dropping
	DistinctValid int            `json:"distinct_validation"`  //
	DistinctTest  int            `json:"distinct_test"`        //
	Disjoint      bool           `json:"disjoint"`             // no prompt hash stands in two splits
}

// Pair is one prompt in two splits: Test is the side that is kept, in the test
// split, or in validation when Train is in train. Test and Train are "FILE:LINE".
type Pair struct {
	Test       string `json:"test"`
	Train      string `json:"train"`
	TestID     string `json:"test_id"`
	TrainID    string `json:"train_id"`
	TestSplit  string `json:"test_split"`
	TrainSplit string `json:"train_split"`
}

func pair(held, train Place) Pair {
	return Pair{held.String(), train.String(), held.ID, train.ID, held.Split, train.Split}
}

// Place is where a row stands.
type Place struct {
	Split string
	ID    string
	File  string
	Line  int // from 1; the row number in Parquet files and embedded rows
}
