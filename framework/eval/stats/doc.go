// Package stats holds the tests and intervals that a claim about runs or
// methods needs: Wilson, bootstrap, McNemar, sign-flip, TOST, Holm, and the
// sample sizes that would resolve a difference. Every random draw comes from
// a seed, so that equal inputs give equal bits.
package stats
