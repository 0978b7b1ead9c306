// Package gen makes the text that the embedded base model is trained on and
// the tasks that methods are compared on. Everything is synthetic, simple
// English from templates; the only outside knowledge is a table of public
// facts (places and their capitals) and forty everyday explanations written
// for this package.
//
// # Determinism
//
// All draws come from named PCG streams of one seed with integer arithmetic
// only, so that a seed gives the same bytes on every platform and Go release
// (math/rand/v2's PCG is a fixed algorithm; this package bounds its output
// itself). golden_test.go pins the result.
//
// # Disjointness
//
// What a task may ask and what the corpus may say are disjoint by
// construction, for every pair of seeds: each holdable thing (a review, a
// story's numbers, a question's wording with its topic) is hashed into one of
// ten buckets, and a bucket belongs to the test split, to train and
// validation, or to the corpus. [Check] verifies it on the finished text.
//
// # Adding a kind of document
//
// Write func(*stream) string, add it to mixture in corpus.go with its weight,
// run the tests with -update, and look at the change of the golden file.
package gen
