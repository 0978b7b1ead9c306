package main

import (
	"math/big"
	"regexp"
	"strings"
)

// answerIs finds a number, with the signs and commas that people write it with,
// or else the words up to the end of the sentence.
var answerIs = regexp.MustCompile(`(?i)the answer is\s*:?\s*(?:(-?\s?\$?\s?-?[0-9][0-9,]*(?:\.[0-9]+)?)|([^.\n]+))`)

var cleaner = strings.NewReplacer(",", "", "$", "", " ", "", "\t", "", "\n", "")

// answer extracts what follows the last "The answer is" (Wei et al. 2022,
// appendix G): a number by its value, so that 3.0 and 3 are one answer, or
// words; "" when the text has none.
func answer(text string) string {
	all := answerIs.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return ""
	}
	last := all[len(all)-1]
	if last[1] == "" {
		return strings.TrimSpace(last[2])
	}
	n, ok := new(big.Rat).SetString(cleaner.Replace(last[1]))
	if !ok { // "--3"
		return strings.TrimSpace(last[1])
	}
	if n.IsInt() {
		return n.Num().String()
	}
	return strings.TrimRight(n.FloatString(12), "0")
}

// majority gives the index of the first text with the most common answer;
// texts without one do not vote. Ties go to the answer seen first. Where no
// text has an answer it is the first text.
func majority(texts []string) int {
	votes := map[string]int{}
	for _, t := range texts {
		if a := answer(t); a != "" {
			votes[a]++
		}
	}
	best, at := 0, 0
	for i, t := range texts {
		if n := votes[answer(t)]; n > best {
			best, at = n, i
		}
	}
	return at
}
