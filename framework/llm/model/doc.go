// Package model is a decoder-only transformer on the autograd tape, loaded
// from and saved to Hugging Face folders.
//
// There is one decoder; a family (Llama, GPT-2) is a record of declared choices
// (layout.go): the kind of norm, positions and MLP, fused or separate
// projections, how weights are named and stored. Sequences are packed: a batch
// is the tokens of all sequences one after the other, without padding.
//
// Vocabulary: N tokens of a batch, C hidden size, V vocabulary.
//
// Adding a family: its config.json fields in package checkpoint, a layout here,
// and a tiny model of it in testdata/make_fixtures.py, which the parity test
// then walks.
package model
