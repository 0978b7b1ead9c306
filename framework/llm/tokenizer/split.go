package tokenizer

import "fmt"

// behavior says what becomes of the matches that a Split finds
// (SplitDelimiterBehavior in tokenizers, tokenizer/normalizer.rs).
type behavior string

const (
	isolated           behavior = "Isolated"           // a word each
	removed            behavior = "Removed"            // dropped
	contiguous         behavior = "Contiguous"         // neighbours are one word
	mergedWithPrevious behavior = "MergedWithPrevious" // the end of the word before
	mergedWithNext     behavior = "MergedWithNext"     // the beginning of the word after
)

func (b behavior) check(c component) error {
	switch b {
	case isolated, removed, contiguous, mergedWithPrevious, mergedWithNext:
		return nil
	}
	return fmt.Errorf("%s (%s): behavior %q is not one of %s, %s, %s, %s, %s", c.path, c.kind, b,
		isolated, removed, contiguous, mergedWithPrevious, mergedWithNext)
}

func newSplit(c component) (preTokenizer, error) {
	var o struct {
		Behavior behavior
		Invert   bool
	}
	if err := c.options(&o); err != nil {
		return nil, err
	}
	if err := o.Behavior.check(c); err != nil {
		return nil, err
	}
	find, _, err := c.pattern()
	if err != nil {
		return nil, err
	}
	return cutter(find, o.Behavior, o.Invert), nil
}

// cutter cuts where find does; with invert, what is between the matches counts
// as the matches.
func cutter(find finder, b behavior, invert bool) preTokenizer {
	merge := merges[b]
	return func(piece string, first bool, emit emit) {
		var parts []part // only where parts are merged
		next := 0
		take := func(from, to int, match bool) {
			switch {
			case from == to:
			case merge != nil:
				parts = append(parts, part{from, to, match != invert})
			case b != removed || match == invert:
				emit(piece[from:to], first && from == 0)
			}
		}
		find(piece, func(from, to int) {
			take(next, from, false)
			take(from, to, true)
			next = to
		})
		take(next, len(piece), false)
		if merge == nil {
			return
		}
		for _, p := range merge(parts) {
			emit(piece[p.from:p.to], first && p.from == 0)
		}
	}
}

// part is a match or what is between two.
type part struct {
	from, to int
	match    bool
}

// merges join parts; a part of several keeps the flag of the one that decides
// what its neighbour may do.
var merges = map[behavior]func([]part) []part{
	contiguous: func(in []part) (out []part) {
		for _, p := range in {
			if n := len(out) - 1; n >= 0 && out[n].match == p.match {
				out[n].to = p.to
			} else {
				out = append(out, p)
			}
		}
		return out
	},
	mergedWithPrevious: func(in []part) (out []part) {
		for _, p := range in {
			if n := len(out) - 1; n >= 0 && p.match && !out[n].match {
				out[n].to, out[n].match = p.to, true
			} else {
				out = append(out, p)
			}
		}
		return out
	},
	mergedWithNext: func(in []part) (out []part) {
		for _, p := range in {
			if n := len(out) - 1; n >= 0 && out[n].match && !p.match {
				out[n].to, out[n].match = p.to, false
			} else {
				out = append(out, p)
			}
		}
		return out
	},
}
