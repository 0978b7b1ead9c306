// Package checkpoint reads and writes model folders in Hugging Face form:
// config.json, and weights in safetensors, in one file or in shards named by
// model.safetensors.index.json.
//
// It knows file formats and nothing of computation: weights leave and enter as
// row-major float32. A damaged file is refused with one error that names the file
// and the tensor; whatever a file says, reading it takes no more memory than its
// size warrants (fuzz_test.go).
//
// A family of decoders (family.go) is a few lines in the file of its name: what
// its config.json says, read into and written from one Config. Fields that
// would change the computation and are not supported are refused by name.
//
// Formats: the safetensors specification
// (https://github.com/huggingface/safetensors#format) and config.json as
// transformers 4 and 5 write it.
package checkpoint
