package compute

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Calls are calls of one op with about the same sizes.
type Calls struct {
	Op   string         `json:"op"`
	Ints [MaxInts]int64 `json:"ints"` // of the largest among them
	N    int64          `json:"n"`
	Work float64        `json:"work"` // of all, each CallWork
}

// CallWork is what the time of a call is about in proportion to, among calls of
// one op with about the same sizes: FLOPs and bytes.
func CallWork(op *Op, ints *[MaxInts]int64) int64 { return op.FLOPs(ints) + op.Bytes(ints) }

// callKey has sizes rounded, to a quarter of an octave from 16 on.
type callKey struct {
	op   *Op
	ints [MaxInts]int16
}

func (r *Rehearsal) count(op *Op, ints *[MaxInts]int64) {
	k := callKey{op: op}
	for i, v := range ints[:len(op.Ints)] {
		if k.ints[i] = int16(min(v, 16)); v > 16 {
			k.ints[i] = int16(4 * math.Log2(float64(v)))
		}
	}
	c := r.calls[k]
	if c == nil {
		c = &Calls{Op: op.Name}
		r.calls[k] = c
	}
	work := CallWork(op, ints)
	if c.N == 0 || work > CallWork(op, &c.Ints) {
		c.Ints = *ints
	}
	r.made++
	c.N += r.times
	c.Work += float64(work * r.times)
}

// Calls lists what would have been called since Begin, the most work first.
func (r *Rehearsal) Calls() (out []Calls) {
	r.locked(func() {
		for _, c := range r.calls {
			out = append(out, *c)
		}
	})
	slices.SortFunc(out, func(a, b Calls) int {
		return cmp.Or(cmp.Compare(b.Work, a.Work), strings.Compare(a.Op, b.Op), slices.Compare(a.Ints[:], b.Ints[:]))
	})
	return out
}
