package rl

import (
	"fmt"
	"math"
)

// shape checks that m is [B][T] with B the length of last and every last
// token inside; it gives T.
func shape(name string, m [][]float64, last []int) (int, error) {
	if len(m) != len(last) || len(m) == 0 {
		return 0, fmt.Errorf("rl: %s has %d rows for %d responses", name, len(m), len(last))
	}
	t := len(m[0])
	for i, row := range m {
		if len(row) != t {
			return 0, fmt.Errorf("rl: %s: row %d has %d columns, row 0 has %d", name, i, len(row), t)
		}
		if last[i] < 0 || last[i] >= t {
			return 0, fmt.Errorf("rl: response %d: its last token %d is outside 0..%d", i, last[i], t-1)
		}
	}
	return t, nil
}

// sameShapes checks that every matrix is [B][T]; it gives T.
func sameShapes(last []int, names []string, ms ...[][]float64) (int, error) {
	first := 0
	for i, m := range ms {
		t, err := shape(names[i], m, last)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			first = t
		} else if t != first {
			return 0, fmt.Errorf("rl: %s has %d columns, %s has %d", names[i], t, names[0], first)
		}
	}
	return first, nil
}

func zeros(b, t int) [][]float64 {
	out := make([][]float64, b)
	for i := range out {
		out[i] = make([]float64, t)
	}
	return out
}

// masked is how many positions of a row count: up to its last token, and
// with extra 1 one further, for the state after the last token has a value too.
// T bounds it.
func masked(last, extra, t int) int { return min(last+1+extra, t) }

// whiten scales the first n[i] numbers of every row to unit variance, in place,
// and shifts them to mean 0 if shift is set: TRL's masked_whiten, with the
// unbiased variance and 1e-8 under the root.
func whiten(x [][]float64, n []int, shift bool) error {
	mean, count := 0.0, 0
	for i, row := range x {
		for _, v := range row[:n[i]] {
			mean += v
		}
		count += n[i]
	}
	if count < 2 {
		return fmt.Errorf("rl: whitening needs at least two tokens, the batch has %d: raise batch_size", count)
	}
	mean /= float64(count)
	variance := 0.0
	for i, row := range x {
		for _, v := range row[:n[i]] {
			variance += (v - mean) * (v - mean)
		}
	}
	variance /= float64(count - 1)
	scale := 1 / math.Sqrt(variance+1e-8)
	for i, row := range x {
		for j, v := range row[:n[i]] {
			row[j] = (v - mean) * scale
			if !shift {
				row[j] += mean
			}
		}
	}
	return nil
}
