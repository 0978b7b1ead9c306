// Package compute is the boundary between the numerics and the machine: dtypes,
// opaque buffers, the [Engine] interface and the table of ops.
//
// Vocabulary, used everywhere below and in the engines: N rows (tokens), C
// channels, V vocabulary, H query heads, KV key/value heads, D head width; dx is
// the gradient of x. All matrices are row-major and contiguous.
//
// # An op is one record
//
// An [Op] names its buffers, integers and floats, gives the number of elements
// that every buffer must have (the shape rule, checked before each call, so that
// a kernel can never run past a buffer), its cost in FLOPs and bytes, and its
// documentation. An engine supplies a [Kernel] under the op's name, or says with
// [MissingOpError] that it has none. Estimates, benchmarks and the tests of
// every engine walk the table ([Ops]).
//
// A [LazyEngine] also has buffers that are filled when they are first used, for
// weights that lie in a file.
//
// # Adding an op
//
//  1. Declare the record in the ops_*.go file of its family with
//     [RegisterOp]. Gradient kernels are ops too and
//     accumulate (+=) into what they produce.
//  2. Write the plain kernel in compute/ref. Compute in float64; never optimise.
//  3. Write the fast kernel in compute/cpu, if it is worth it. Until then
//     the cpu engine answers with MissingOpError.
//  4. Give it cases and a tolerance in the table of compute/computetest, which
//     fails while an op has none.
//  5. Use it from train/autograd and add a gradient case there.
//
// # An op of your own
//
// A plugin registers an op that only it needs, from its own module, with
// [RegisterOp], its plain kernel with Register of compute/ref and, if it is
// worth it, a fast one with Register of compute/cpu; it calls the op with
// Tape.Op of train/autograd, which runs the plain kernel on copies where an
// engine has none. A gradient is a second op: its buffers are the inputs, the
// output, the output's gradient and the inputs' gradients, which it adds to.
// The tests are computetest.Op (the engines agree) and autogradtest.Check (the
// gradient is that of the forward pass); train/autograd/autogradtest/op_test.go
// is a whole op written that way.
//
// # Engines
//
// [Open] makes an engine by name; import the package for its side effect, as in
// import _ "github.com/tunelab/tunelab/framework/compute/cpu".
package compute
