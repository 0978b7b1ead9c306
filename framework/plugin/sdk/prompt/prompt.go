// Package prompt is the one renderer of shots: every method that shows
// examples renders them here, so that methods differ only in what they show.
package prompt

import (
	"sort"
	"strings"

	"github.com/tunelab/tunelab/framework/spec"
)

// Shot renders one solved example: prompt, delimiter, answer
// (lm-evaluation-harness' few-shot form).
func Shot(t spec.Task, e spec.Example) string {
	return e.Prompt + t.Delimiter + e.Target()
}

// Reasoned renders one solved example with its worked reasoning in place of
// the bare answer.
func Reasoned(t spec.Task, e spec.Example) string {
	return e.Prompt + t.Delimiter + e.Reasoning
}

// Render puts solved examples before an item's prompt, divided by the task's
// separator. The result ends where the model's answer begins; the delimiter
// belongs to the continuation.
func Render(t spec.Task, shots []string, item string) string {
	if len(shots) == 0 {
		return item
	}
	return strings.Join(shots, t.Separator) + t.Separator + item
}

// Fit drops as few shots as needed from the front, the farthest from the
// question, until tokens(rendered) is at most limit. It returns the rendered
// prompt and how many shots stayed; ok is false when the bare item does not fit
// either. It bisects, since fewer shots never take more tokens.
func Fit(t spec.Task, shots []string, item string, limit int, tokens func(string) int) (text string, kept int, ok bool) {
	fits := func(drop int) bool { return tokens(Render(t, shots[drop:], item)) <= limit }
	drop := 0
	if !fits(0) {
		drop = 1 + sort.Search(len(shots), func(i int) bool { return fits(i + 1) })
	}
	if drop > len(shots) {
		return "", 0, false
	}
	return Render(t, shots[drop:], item), len(shots) - drop, true
}
