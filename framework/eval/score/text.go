package score

import "strings"

// quotePairs are the surrounding quotes that Normalise removes.
var quotePairs = [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"‘", "’"}, {"«", "»"}}

// Normalise is what ExactMatch compares: the first line that is not blank,
// with spaces trimmed and runs of white space made one space, lower-cased,
// and with a final period and surrounding quotes removed, in either order
// and nested ('"Paris."' and '"Paris".' both give paris).
func Normalise(text string) string {
	line := ""
	for l := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(l), " "); line != "" {
			break
		}
	}
	line = strings.ToLower(line)
	for {
		before := line
		line = strings.TrimSpace(strings.TrimSuffix(line, "."))
		for _, q := range quotePairs {
			if len(line) >= len(q[0])+len(q[1]) && strings.HasPrefix(line, q[0]) && strings.HasSuffix(line, q[1]) {
				line = strings.TrimSpace(line[len(q[0]) : len(line)-len(q[1])])
			}
		}
		if line == before {
			return line
		}
	}
}

// ExactMatch tells whether text and gold are the same after Normalise. It
// follows the normalise-then-compare form of SQuAD's exact match (Rajpurkar et
// al. 2016, section 6.1), but keeps articles and inner punctuation. An answer
// that normalises to nothing matches nothing.
func ExactMatch(text, gold string) bool {
	t := Normalise(text)
	return t != "" && t == Normalise(gold)
}
