// Package bench measures this program on this machine: its kernels against the
// machine's own limits ([Kernels]), steps of training ([Train]) and generation
// ([Generate]) with random weights of known models' shapes.
//
// [Train] and [Generate] run in the process that calls them. [Isolated] runs one
// of them in a process of its own, so that the peak of memory is that of the
// work alone.
//
// The shapes lie in configs/, in the form of Hugging Face's config.json; the
// PyTorch side (torch/bench.py) reads the same files. compare runs both in turn
// and writes the table of docs/benchmarks.md.
package bench
