package data

import (
	"fmt"
	"strings"
)

// checkOverlap finds prompts that stand in two splits and does with them what
// the task says: train gives way to validation and test, validation to test,
// and test stays whole.
func checkOverlap(s *splits, o *Overlap) error {
	inTest, inValidation := firsts(s.test), firsts(s.validation)
	var keptTrain, keptValidation []record
	for _, r := range s.validation {
		if held, ok := inTest[r.prompt]; ok {
			o.Verbatim = append(o.Verbatim, pair(held, r.place))
			continue
		}
		keptValidation = append(keptValidation, r)
	}
	for _, r := range s.train {
		held, ok := inTest[r.prompt]
		if !ok {
			held, ok = inValidation[r.prompt]
		}
		if ok {
			o.Verbatim = append(o.Verbatim, pair(held, r.place))
			continue
		}
		keptTrain = append(keptTrain, r)
	}
	switch {
	case len(o.Verbatim) == 0:
	case o.Mode == OverlapError:
		return overlapError(o.Verbatim)
	case o.Mode == OverlapDrop:
		if len(keptTrain) == 0 || (len(keptValidation) == 0 && len(s.validation) > 0) {
			return fmt.Errorf("overlap: drop leaves %d training and %d validation rows; the splits hold the same prompts, give other files", len(keptTrain), len(keptValidation))
		}
		o.Dropped = len(o.Verbatim)
		s.train, s.validation = keptTrain, keptValidation
	}
	seen := firsts(s.train)
	for k, v := range firsts(s.validation) {
		seen[k] = v
	}
	for _, r := range s.test {
		if _, ok := seen[r.prompt]; ok {
			o.TestIDs = append(o.TestIDs, r.place.ID)
		}
	}
	return prove(s, o)
}

// prove counts the distinct prompt hashes of each split and of all together,
// on the splits as they will be used: they are disjoint when the counts add up.
func prove(s *splits, o *Overlap) error {
	train, validation, test := firsts(s.train), firsts(s.validation), firsts(s.test)
	o.DistinctTrain, o.DistinctValid, o.DistinctTest = len(train), len(validation), len(test)
	union := map[string]bool{}
	for _, m := range []map[string]Place{train, validation, test} {
		for k := range m {
			union[k] = true
		}
	}
	o.Disjoint = len(union) == len(train)+len(validation)+len(test)
	if !o.Disjoint && o.Mode != OverlapReport {
		return fmt.Errorf("the splits share %d prompts after the overlap check; this is a bug in tunelab", len(train)+len(validation)+len(test)-len(union))
	}
	return nil
}

// firsts maps each prompt hash to the first place it stands at.
func firsts(records []record) map[string]Place {
	out := make(map[string]Place, len(records))
	for _, r := range records {
		if _, ok := out[r.prompt]; !ok {
			out[r.prompt] = r.place
		}
	}
	return out
}

// repeats counts the records whose prompt an earlier one has.
func repeats(records []record) int { return len(records) - len(firsts(records)) }

func overlapError(pairs []Pair) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows have a prompt that stands in another split too:", len(pairs))
	for i, p := range pairs {
		if i == 5 {
			fmt.Fprintf(&b, "\n  and %d more", len(pairs)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s (%s) and %s (%s)", p.Train, p.TrainSplit, p.Test, p.TestSplit)
	}
	b.WriteString("\na score on examples that were trained on says little; set overlap: drop in the task file to remove the training side's copies, or overlap: report to keep them and get scores with and without the overlapping items")
	return fmt.Errorf("%s", b.String())
}

// String is "FILE:LINE".
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }
