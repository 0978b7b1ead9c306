package generate

import (
	"fmt"

	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// Scorer scores the ends of sequences and keeps the keys and values of what
// the last ones began with, so that shots which many items share, and a
// question that many choices share, are computed once. What it gives does not
// depend on what it scored before. The model must not change meanwhile.
type Scorer struct {
	m     *model.Model
	cache *autograd.KVCache // slot 0 keeps the tokens of kept
	kept  []int
	flops int64
}

// NewScorer makes a Scorer that keeps nothing yet.
func NewScorer(m *model.Model) *Scorer { return &Scorer{m: m} }

// FLOPs is the arithmetic spent so far.
func (s *Scorer) FLOPs() float64 { return float64(s.flops) }

// Free gives the memory back.
func (s *Scorer) Free() {
	if s.cache != nil {
		s.cache.Free()
		s.cache, s.kept = nil, nil
	}
}

// tailSequences is how many sequences a Scorer runs side by side.
const tailSequences = 64

// Tails gives the natural log-probabilities of seqs[i][from[i]:], each token
// given all before it; from[i] is at least 1.
func (s *Scorer) Tails(seqs [][]int, from []int) ([][]float64, error) {
	longest := 0
	for i, q := range seqs {
		switch {
		case len(q) > s.m.ContextLength():
			return nil, fmt.Errorf("sequence %d: %d tokens are more than the model's context of %d; shorten the context", i, len(q), s.m.ContextLength())
		case from[i] < 1 || from[i] >= len(q):
			return nil, fmt.Errorf("sequence %d: nothing can be scored from token %d of %d; the first token needs one before it", i, from[i], len(q))
		}
		if err := checkIDs(s.m, q); err != nil {
			return nil, fmt.Errorf("sequence %d: %w", i, err)
		}
		longest = max(longest, len(q))
	}
	if len(seqs) == 0 {
		return nil, nil
	}
	slots := min(len(seqs), tailSequences)
	if err := autograd.Catch(func() { s.reserve(slots+1, longest) }); err != nil {
		return nil, fmt.Errorf("score: keys and values of %d sequences of up to %d tokens: %w: shorten the context, or take a smaller model", slots+1, longest, err)
	}
	shared := sharedPrefix(seqs, from)
	if err := s.prefill(seqs[0][:shared]); err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	var out [][]float64
	for lo := 0; lo < len(seqs); lo += slots {
		hi := min(lo+slots, len(seqs))
		lps, err := s.tails(seqs[lo:hi], from[lo:hi], shared)
		if err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
		out = append(out, lps...)
	}
	return out, nil
}

// reserve makes room for a number of slots of a length. Lengths grow by powers
// of two, so that sequences of many lengths seldom cost what was kept.
func (s *Scorer) reserve(slots, length int) {
	if s.cache != nil && s.cache.Slots >= slots && s.cache.MaxLen >= length {
		return
	}
	n := 64
	if s.cache != nil {
		slots, n = max(slots, s.cache.Slots), s.cache.MaxLen
	}
	for n < length {
		n *= 2
	}
	s.Free()
	s.cache = s.m.NewCache(slots, min(n, s.m.ContextLength()))
}

// prefill brings slot 0 to hold prefix, of which it computes what differs from
// the tokens kept.
func (s *Scorer) prefill(prefix []int) error {
	same := commonPrefix(s.kept, prefix)
	s.kept = s.kept[:same]
	s.cache.Truncate(0, same)
	if same == len(prefix) {
		return nil
	}
	err := autograd.Catch(func() {
		t := autograd.NewTape(s.m.Engine(), false)
		defer t.Release()
		s.m.HiddenCached(t, model.Pack(prefix[same:]), s.cache, []int{0})
		s.flops += t.FLOPs()
	})
	if err == nil {
		s.kept = append(s.kept, prefix[same:]...)
	}
	return err
}

// tails scores sequences side by side after a copy of slot 0 each.
func (s *Scorer) tails(seqs [][]int, from []int, shared int) ([][]float64, error) {
	var tails [][]int
	var rows, targets []int32
	var use []int
	at := 0
	for i, q := range seqs {
		tails, use = append(tails, q[shared:]), append(use, i+1)
		for j := from[i]; j < len(q); j++ {
			rows = append(rows, int32(at+j-1-shared))
			targets = append(targets, int32(q[j]))
		}
		at += len(q) - shared
	}
	lp, flops, err := scoreRows(s.m, rows, targets, func(t *autograd.Tape) *autograd.Var {
		for _, slot := range use {
			s.cache.CopySlot(slot, 0)
		}
		return s.m.HiddenCached(t, model.Pack(tails...), s.cache, use)
	})
	s.flops += flops
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(seqs))
	for i, q := range seqs {
		n := len(q) - from[i]
		out[i], lp = lp[:n:n], lp[n:]
	}
	return out, nil
}

// sharedPrefix is how many tokens all sequences begin with, one less than the
// first scored one at most: its probability needs the token before it.
func sharedPrefix(seqs [][]int, from []int) int {
	n := from[0] - 1
	for i, s := range seqs {
		n = min(n, from[i]-1, commonPrefix(seqs[0], s))
	}
	return n
}

// commonPrefix is how many tokens a and b both begin with.
func commonPrefix(a, b []int) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
