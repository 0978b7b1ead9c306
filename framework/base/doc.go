// Package base is the embedded default: a small Llama-type base model that
// this project trained itself from the seeded generator in base/gen, its own
// held-out text, and the tasks that it is compared on.
//
// Pretrain makes the model; `tunelab pretrain` runs it. The weights under
// model/ ship inside the binary and are unpacked once, by content, where a run
// needs a folder.
package base
