package data

import (
	"fmt"
	"math"
	"slices"

	"github.com/tunelab/tunelab/framework/spec"
)

// source is a task's rows as they were read: three splits, or one file.
type source struct {
	train, validation, test, file []Row
}

func readSource(tf *TaskFile) (src source, err error) {
	for _, f := range []struct {
		key, path string
		into      *[]Row
	}{{"train", tf.Data.Train, &src.train}, {"validation", tf.Data.Validation, &src.validation}, {"test", tf.Data.Test, &src.test}, {"file", tf.Data.File, &src.file}} {
		if f.path == "" {
			continue
		}
		if *f.into, err = ReadRows(tf.resolve(f.path), tf.Data.Format); err != nil {
			return src, fmt.Errorf("task %s, data.%s: %w", tf.Name, f.key, err)
		}
	}
	return src, nil
}

// split is the task's split, the zero value when it gives none.
func (d Data) split() Split {
	if d.Split == nil {
		return Split{}
	}
	return *d.Split
}

// splits are a task's records by split.
type splits struct{ train, validation, test []record }

// divide splits one file's records by seeded fractions: a shuffle gives the
// first round(n*test) to test, the next round(n*validation) to validation and
// the rest to train; within a split the file's order stays. Rows are dealt
// singly, so two copies of a prompt may fall on two sides: the overlap check
// finds them, and the task says what to do.
func divide(all []record, s Split) (splits, error) {
	if s.Train == 0 && s.Validation == 0 && s.Test == 0 {
		s.Train, s.Validation, s.Test = 0.8, 0.1, 0.1
	}
	n := len(all)
	test, validation := int(math.Round(float64(n)*s.Test)), int(math.Round(float64(n)*s.Validation))
	if test == 0 || n-test-validation <= 0 || (s.Validation > 0 && validation == 0) {
		return splits{}, fmt.Errorf("data.split: %d rows give %d for train, %d for validation and %d for test; use more rows or other fractions", n, n-test-validation, validation, test)
	}
	order := spec.Stream(s.Seed, "split").Perm(n)
	part := func(from, to int, split string) []record {
		at := slices.Sorted(slices.Values(order[from:to]))
		out := make([]record, len(at))
		for i, j := range at {
			out[i] = all[j]
			out[i].place.Split = split
		}
		return out
	}
	return splits{
		test:       part(0, test, SplitTest),
		validation: part(test, test+validation, SplitValidation),
		train:      part(test+validation, n, SplitTrain),
	}, nil
}

// carve takes a validation split of about round(fraction*n) records from
// train. Records with the same prompt stay together, so that this split, which
// is ours, makes no overlap; so it may come out larger by part of a group.
func carve(train []record, fraction float64, seed int64) (rest, validation []record, err error) {
	want := int(math.Round(fraction * float64(len(train))))
	var order []string // prompts in order of appearance
	groups := map[string]int{}
	for _, r := range train {
		if groups[r.prompt] == 0 {
			order = append(order, r.prompt)
		}
		groups[r.prompt]++
	}
	if want == 0 || len(order) < 2 {
		return nil, nil, fmt.Errorf("data.validation_fraction: %g of %d training rows (%d different prompts) leaves a split empty; name a validation file, or set it to 0 to go without", fraction, len(train), len(order))
	}
	chosen := map[string]bool{}
	taken := 0
	for _, i := range spec.Stream(seed, "split").Perm(len(order)) {
		if taken >= want || len(chosen) == len(order)-1 {
			break
		}
		chosen[order[i]] = true
		taken += groups[order[i]]
	}
	for _, r := range train {
		if chosen[r.prompt] {
			r.place.Split = SplitValidation
			validation = append(validation, r)
		} else {
			rest = append(rest, r)
		}
	}
	return rest, validation, nil
}
