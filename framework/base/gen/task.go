package gen

import "fmt"

// Row is one example, a line of a JSONL file. Values are strings, except
// "choices", a list of strings.
type Row = map[string]any

// Kinds of task, as framework/spec names them.
const (
	KindClassification = "classification"
	KindGeneration     = "generation"
	KindInstruction    = "instruction"
	KindPreference     = "preference"
)

// Task is a task's data and how it is asked. The fields that describe it mean
// what the fields of spec.Task with the same JSON name mean.
type Task struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Prompt    string   `json:"prompt"`              // template over a row's fields
	Answer    string   `json:"answer,omitempty"`    // template of the target
	Label     string   `json:"label,omitempty"`     // field with the label
	Labels    []string `json:"labels,omitempty"`    // in label order
	Choices   string   `json:"choices,omitempty"`   // field with the options
	Reasoning string   `json:"reasoning,omitempty"` // template of worked reasoning
	Chosen    string   `json:"chosen,omitempty"`    // template of the better response
	Rejected  string   `json:"rejected,omitempty"`  // template of the worse response
	Metric    string   `json:"metric"`
	Stop      []string `json:"stop,omitempty"`
	MaxNew    int      `json:"max_new_tokens,omitempty"`

	Train      []Row `json:"-"`
	Validation []Row `json:"-"`
	Test       []Row `json:"-"`
}

// Names of the splits.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// Split gives the rows of the named split. It fails for an unknown name.
func (t Task) Split(name string) ([]Row, error) {
	switch name {
	case Train:
		return t.Train, nil
	case Validation:
		return t.Validation, nil
	case Test:
		return t.Test, nil
	}
	return nil, fmt.Errorf("gen: task %s: split %q is unknown; use train, validation or test", t.Name, name)
}

// Names lists the names of the tasks, in the order of Tasks, without making them.
func Names() []string {
	return []string{"capitals", "wordproblems", "sentiment", "instructions", "explain"}
}

// Tasks makes the five tasks of a seed, always in the same order: capitals,
// wordproblems, sentiment, instructions, explain. No prompt stands in two
// splits of a task, nor in a document of [Corpus] of any seed.
func Tasks(seed uint64) []Task {
	return []Task{
		capitalsTask(seed), problemsTask(seed), sentimentTask(seed), instructionsTask(seed), explainTask(seed),
	}
}

// ownerOf is the owner of the keys that split i (train, validation, test) may use.
func ownerOf(split int) int {
	if split == 2 {
		return forTest
	}
	return forTrain
}

// distinctRows draws rows for train, validation and test until each has its
// size; a row whose key field was drawn before, in any split, is drawn again.
func distinctRows(key string, draw func(split int) Row, sizes ...int) [][]Row {
	seen := map[string]bool{}
	out := make([][]Row, len(sizes))
	for split, size := range sizes {
		for tries := 0; len(out[split]) < size; tries++ {
			if tries > 1000*size {
				panic(fmt.Sprintf("gen: split %d has room for %d different rows only; %d are wanted", split, len(out[split]), size))
			}
			r := draw(split)
			k := r[key].(string)
			if !seen[k] {
				seen[k] = true
				out[split] = append(out[split], r)
			}
		}
	}
	return out
}
