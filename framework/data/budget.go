package data

import (
	"slices"

	"github.com/tunelab/tunelab/framework/spec"
)

// Budgeted is p with its training split cut to the given number of labelled
// examples; the other splits and Hash stay. With examples at 0, or at the size
// of the split and above, all are kept. The examples are the first of a seeded
// shuffle, so that a smaller budget of the same seed is contained in a larger
// one; they keep the order of the file.
func (p *Prepared) Budgeted(examples int, seed int64) *Prepared {
	out := *p
	if examples <= 0 || examples >= len(p.Train) {
		return &out
	}
	keep := spec.Stream(seed, "budget").Perm(len(p.Train))[:examples]
	slices.Sort(keep)
	out.Train = make([]spec.Example, examples)
	for i, j := range keep {
		out.Train[i] = p.Train[j]
	}
	return &out
}
