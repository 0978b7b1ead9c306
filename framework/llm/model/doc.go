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
// # Hooks
//
// What an adapter may hang on a model; with none of them set it computes the
// base model, bit for bit. All hold in Hidden, HiddenAt and HiddenCached, so in
// training, generation and scoring.
//
//   - Linear.Adapt, an Adapter on one linear layer: it gets the layer's input
//     and output and gives the output to use (LoRA, DoRA, VeRA, a bias). On the
//     last layer of a sublayer (o_proj, down_proj) it sees that sublayer's output
//     before the skip connection: a place for bottleneck adapters.
//   - An Adapter that is an InputAdapter also changes what the layer sees
//     ((IA)^3 in the MLP).
//   - SetPrefix, learned positions before every sequence: vectors that enter the
//     first block (prompt tuning) or keys and values of each layer (prefix
//     tuning). ContextLength is shorter by them; batches, rows and caches count
//     tokens alone.
//
// # Adding a family
//
// Its config.json fields in package checkpoint, a layout here, and a tiny model
// of it in testdata/make_fixtures.py, which the parity test then walks.
package model
