// Package model is a decoder-only transformer on the autograd tape, loaded
// from and saved to Hugging Face folders.
//
// There is one decoder (block.go, mlp.go); a family is a record of declared
// choices (layout.go): kind and places of the norms, positions, fused or separate
// projections, sublayers one after the other or side by side, biases, how weights
// are named and stored. What a model of the family may choose by itself (windows,
// caps, multipliers, scaled rotary frequencies) is in its checkpoint.Config.
// Sequences are packed: a batch is the tokens of all sequences one after the
// other, without padding.
//
// What an encoder shares with it is here too: linear layers, Builder and Weights.
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
//  1. Its config.json in a file of package checkpoint: what it reads and writes,
//     every field that changes the computation, and a refusal by name of those
//     that are not supported. A choice that no family had before is a field of
//     checkpoint.Choices whose zero value leaves the others as they are.
//  2. Its recipe in a file here: a layout, often that of a relative with a few
//     lines changed, and its row in layouts.
//  3. A tiny model of it in testdata/make_fixtures.py, made by transformers, which
//     the parity test walks: logits, hidden states, gradients, training with and
//     without LoRA, greedy continuations. make_fixtures.py --check-saved loads
//     what this package saves in transformers, strictly.
package model
