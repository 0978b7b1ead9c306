package data

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestOverlapModes(t *testing.T) {
	train := qa("a", "1", "b", "2", "shared  one", "3", "valid", "4", "b", "5", "shared one\n", "6")
	validation := qa("valid", "1", "v2", "2", "shared one", "3")
	test := qa("t1", "1", "shared one", "2", "t1", "3")

	tf := questions()
	_, err := FromRows(tf, train, validation, test)
	wants(t, err, "4 rows have a prompt that stands in another split",
		"q validation:3 (validation) and q test:2 (test)", "q train:3 (train) and q test:2 (test)", "q train:4 (train) and q validation:1 (validation)",
		"overlap: drop", "overlap: report")

	tf.Overlap = OverlapReport
	p, err := FromRows(tf, train, validation, test)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Train) != 6 || len(p.Validation) != 3 || !reflect.DeepEqual(p.Overlap.TestIDs, []string{"test-2"}) || len(p.Overlap.Verbatim) != 4 || p.Overlap.Disjoint {
		t.Errorf("report keeps %d and %d rows: %+v", len(p.Train), len(p.Validation), p.Overlap)
	}
	if p.Test[0].Overlap || !p.Test[1].Overlap || p.Test[2].Overlap || p.Overlap.Dropped != 0 {
		t.Errorf("report marks %+v", p.Test)
	}
	if !reflect.DeepEqual(p.Overlap.Duplicates, map[string]int{"train": 2, "validation": 0, "test": 1}) {
		t.Errorf("duplicates are %v", p.Overlap.Duplicates)
	}

	tf.Overlap = OverlapDrop
	if p, err = FromRows(tf, train, validation, test); err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, e := range append(p.Train, p.Validation...) {
		kept = append(kept, e.ID)
	}
	if got := strings.Join(kept, " "); got != "train-1 train-2 train-5 validation-1 validation-2" {
		t.Errorf("drop keeps %s", got)
	}
	if o := p.Overlap; len(p.Test) != 3 || o.Dropped != 4 || len(o.TestIDs) != 0 || !o.Disjoint || o.DistinctTrain != 2 || o.DistinctTest != 2 {
		t.Errorf("drop gives %+v", o)
	}

	_, err = FromRows(tf, qa("t1", "1"), nil, test)
	wants(t, err, "overlap: drop leaves 0 training")
}

// A validation split that this package takes from train must not split copies.
func TestCarvedValidationSharesNoPrompt(t *testing.T) {
	var pairs []string
	for i := range 60 {
		pairs = append(pairs, fmt.Sprint("q", i%20), fmt.Sprint(i))
	}
	tf := questions()
	tf.Given = nil
	p, err := FromRows(tf, qa(pairs...), nil, qa("t", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Validation) != 6 || len(p.Train) != 54 || !p.Overlap.Disjoint {
		t.Errorf("%d validation and %d training rows, %+v", len(p.Validation), len(p.Train), p.Overlap)
	}
}

func TestPromptHashIgnoresOnlyWhiteSpace(t *testing.T) {
	if PromptHash(" a\tb\n\u00a0c ") != PromptHash("a b c") {
		t.Error("white space changes the hash")
	}
	for _, other := range []string{"A b c", "a b c.", "ab c"} {
		if PromptHash(other) == PromptHash("a b c") {
			t.Errorf("%q has the hash of another prompt", other)
		}
	}
}

func TestContaminationByNGrams(t *testing.T) {
	words := func(from, n int) string {
		var w []string
		for i := range n {
			w = append(w, fmt.Sprint("w", from+i))
		}
		return strings.Join(w, " ")
	}
	tf := questions()
	tf.Overlap = OverlapReport
	test := qa(
		"Before: "+words(0, 13)+", after", "x", // 13 words of train-1, other case and punctuation
		words(100, 12)+" other", "x", // only 12 words of train-2
		words(200, 20), "x", // boilerplate of 11 training rows
		"short", "x", // too short to check
		words(300, 13), "x") // stands in a training answer
	train := qa(strings.ToUpper(words(0, 20)), "y", words(100, 12)+" and", "y", "z", words(300, 13))
	for i := range CommonNGram + 1 {
		train = append(train, qa(words(200, 20)+fmt.Sprint(" row ", i), "y")...)
	}
	p, err := FromRows(tf, train, nil, test)
	if err != nil {
		t.Fatal(err)
	}
	if o := p.Overlap; !reflect.DeepEqual(o.NGram, []string{"test-1", "test-5"}) || o.NGramChecked != 4 || len(o.Verbatim) != 0 {
		t.Errorf("contaminated %v of %d checked", o.NGram, o.NGramChecked)
	}
}
