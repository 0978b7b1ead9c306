// Package checkpoint reads and writes model folders in Hugging Face form:
// config.json, and weights in safetensors, in one file or in shards named by
// model.safetensors.index.json.
//
// It knows file formats and nothing of computation: weights leave and enter as
// row-major float32 slices. A damaged file is refused with one error that
// names the file and the tensor.
//
// Formats: the safetensors specification
// (https://github.com/huggingface/safetensors#format) and the config.json of
// transformers' Llama and GPT-2 models.
package checkpoint
