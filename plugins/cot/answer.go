package main

import (
	"regexp"
	"strings"
)

var answerIs = regexp.MustCompile(`(?i)the answer is\s+\$?(-?[0-9][0-9,]*(?:\.[0-9]+)?|[^.\n]+)`)

// answer extracts what follows the last "The answer is" (Wei et al. 2022,
// appendix G); "" when the text has none.
func answer(text string) string {
	all := answerIs.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(all[len(all)-1][1], ",", ""))
}

// majority gives the index of the first text whose answer is the most common
// one; texts without an answer do not vote. Ties go to the answer seen first.
func majority(texts []string) int {
	votes := map[string]int{}
	best, at := 0, 0
	for _, t := range texts {
		if a := answer(t); a != "" {
			votes[a]++
		}
	}
	for i, t := range texts {
		if n := votes[answer(t)]; answer(t) != "" && n > best {
			best, at = n, i
		}
	}
	return at
}
