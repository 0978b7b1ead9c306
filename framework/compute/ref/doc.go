// Package ref is the reference engine: pure Go, one thread, plain loops, every
// F32 buffer kept as float64. It is the oracle that the other engines and the
// gradients are tested against, and is never optimised.
//
// Importing the package registers the engine under the name "ref".
package ref
