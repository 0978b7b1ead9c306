// Package autograd is a small reverse-mode tape over the ops of package compute.
//
// A [Tape] runs ops as they are called and, when it trains, remembers how to go
// back; [Tape.Backward] runs the gradients in reverse order. A [Param] outlives
// tapes: its gradient accumulates (+=) over backward passes until
// [Param.ZeroGrad]. Activations belong to the tape and return to the engine's
// pool with [Tape.Release].
//
// Sequences are packed: the rows of an activation [N, C] are the tokens of all
// sequences one after the other, N = sum(SeqLens); there is no padding, and
// attention never crosses from one sequence into the next.
//
// # Memory
//
// The gradient of an intermediate Var is freed as soon as it has been used;
// [Var.RetainGrad] keeps it. Leaves and parameters keep theirs. A Var must not
// be used after its tape's Release.
//
// # Errors
//
// A wrong shape or index is a mistake in the calling program and panics with a
// [*ShapeError] or [*IndexError]; [Catch] turns that into an error at the edge
// of a package. A Tape is used by one goroutine; different tapes may share an
// engine and parameters that are not being trained.
//
// # Adding an op
//
//  1. Register the record and the kernels (recipe in framework/compute/doc.go).
//  2. Add a method on Tape in the file of its family: check the shapes with
//     t.must, make the output with t.out, call t.run, and t.node with the
//     backward closure directly below. Gradient kernels accumulate into v.dst().
//  3. Add a case to gradCases in gradient_test.go: the test compares with
//     finite differences on ref, and cpu with ref; it fails while any op of the
//     table is not reached by a case.
//
// An op needed by one plugin only can be registered there and called with
// [Tape.Op] (recipe in framework/compute/doc.go), or written as a host
// computation with [Tape.Custom]. Package autogradtest checks its gradient.
package autograd
