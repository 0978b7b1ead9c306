package compare

import (
	"math"

	"github.com/tunelab/tunelab/framework/eval/stats"
)

// paired lines the runs up on the items that all of them have, in the first
// run's order. ok is false when there is no such item, a score of one is not
// finite, or a run's value is not the (weighted) mean of its item scores (as
// for macro F1 and perplexity): then resampling items says nothing about it.
func paired(rs []Result) (s stats.Sample, ids []string, ok bool) {
	index := make([]map[string]int, len(rs))
	for i, r := range rs {
		if !r.itemwise() {
			return s, nil, false
		}
		index[i] = make(map[string]int, len(r.ItemIDs))
		for k, id := range r.ItemIDs {
			index[i][id] = k
		}
		s.Values = append(s.Values, nil)
	}
	weighted := len(rs[0].ItemWeights) > 0
next:
	for k, id := range rs[0].ItemIDs {
		for i := range rs {
			if _, found := index[i][id]; !found {
				continue next
			}
		}
		ids = append(ids, id)
		for i, r := range rs {
			s.Values[i] = append(s.Values[i], r.ItemScores[index[i][id]])
		}
		if weighted {
			s.Weights = append(s.Weights, rs[0].ItemWeights[k])
		}
	}
	return s, ids, len(ids) > 0
}

// itemwise tells whether a result's value is the mean of its item scores.
func (r Result) itemwise() bool {
	n := len(r.ItemScores)
	if n == 0 || len(r.ItemIDs) != n || len(r.ItemWeights) != 0 && len(r.ItemWeights) != n {
		return false
	}
	sum, total := 0.0, 0.0
	for i, v := range r.ItemScores {
		w := 1.0
		if len(r.ItemWeights) > 0 {
			w = r.ItemWeights[i]
		}
		if !finite(v) || !(w > 0) || math.IsInf(w, 0) {
			return false
		}
		sum, total = sum+w*v, total+w
	}
	return math.Abs(sum/total-r.Value) <= 1e-6*math.Max(1, math.Abs(r.Value))
}
