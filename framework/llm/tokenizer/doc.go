// Package tokenizer turns text into token ids and back as Hugging Face's
// tokenizers library does, from a tokenizer.json with a BPE model: byte-level
// BPE (GPT-2, Radford et al. 2019, section 2.2) and BPE with byte fallback
// (Llama 2's SentencePiece conversion). It also trains a byte-level BPE.
//
// A text passes through five stages, one file each: added tokens are cut out
// (added.go), the rest is normalised (normalize.go), cut into words
// (pretokenize.go, scan.go), merged into tokens (bpe.go), and framed with
// special tokens (template.go); decode.go goes back. A component of
// tokenizer.json that is not known here is refused by its name when the file is
// loaded, never skipped.
//
// Adding a component: one case in its stage's constructor, its options read
// there, and a line in testdata/make_fixtures.py that uses it.
package tokenizer
