package spec

// Nearest is the one of the known words that a mistyped word most likely
// means, the first of equals: within a third of its length in edits (insert,
// delete, replace, swap of neighbours); "" when none is that near.
func Nearest(word string, known []string) string {
	best, at := "", len(word)/3+1
	for _, k := range known {
		if d := edits(word, k); d < at {
			best, at = k, d
		}
	}
	return best
}

// edits is the Damerau-Levenshtein distance in bytes (optimal string alignment).
func edits(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
