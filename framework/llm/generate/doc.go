// Package generate continues and scores token sequences with a model:
// batched decoding with a KV cache, and log-likelihoods of given texts.
//
// Sequences are packed without padding, and each draws from a random stream of
// its own, so that what a prompt gives does not depend on what else is in the
// batch.
package generate
