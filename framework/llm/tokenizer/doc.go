// Package tokenizer turns text into token ids and back as Hugging Face's
// tokenizers library (0.23) does, from a tokenizer.json: byte-level BPE (GPT-2,
// Radford et al. 2019, section 2.2; RoBERTa, Llama 3 and 4, Qwen, gpt-oss,
// Mistral Nemo), BPE with byte fallback (Llama 2's and Gemma's SentencePiece
// conversions), WordPiece (BERT) and Unigram (XLM-R, T5). It also trains a
// byte-level BPE.
//
// A text passes through these stages, and a pair of texts does one after the
// other:
//
//	added tokens are cut out             added.go
//	the rest is normalised               normalize.go, normalform.go, bert.go, precompiled.go
//	and cut into words                   pretokenize.go, split.go, patterns.go
//	words become tokens                  model.go: bpe.go, wordpiece.go, unigram.go
//	special tokens are put around them   template.go
//
// decode.go goes back. A component of tokenizer.json that is not known here is
// refused by its name when the file is loaded, never skipped; of regular
// expressions those known by name and simple ones are read (pattern.go). The
// blocks "truncation" and "padding" are not used (Load).
//
// So that ids are the same in every script, character classes and normal forms
// are of the Unicode versions that the library's parts follow, not of Go's
// (unicode.go). A quirk of the library that is kept is named where it is. A
// hostile file is an error, or takes memory in proportion to its size
// (fuzz_test.go).
//
// Adding a component: one case in its stage's constructor, its options read
// there, and a line in testdata/make_fixtures.py that uses it; a regular
// expression with look-ahead: a scanner in patterns.go.
package tokenizer
