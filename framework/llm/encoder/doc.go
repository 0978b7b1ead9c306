// Package encoder is a bidirectional transformer (Devlin et al. 2019,
// arXiv:1810.04805) on the autograd tape, loaded from and saved to Hugging Face
// folders.
//
// There is one encoder; a family (BERT, DistilBERT, RoBERTa, ELECTRA, MPNet,
// ModernBERT) is a record of declared choices (family.go): norms after or
// before the sublayers, kind of positions, factorised embeddings, kind of MLP,
// and how its weights are named. Sequences are packed: a batch is the tokens of
// all sequences one after the other, without padding, which in transformers the
// attention mask hides. There is no dropout.
//
// Linear layers are those of package model, with its hooks: what adapts a
// decoder adapts an encoder, and a folder may hold them in NF4. They carry the
// module paths of transformers' task classes,
// "bert.encoder.layer.0.attention.self.query", also where the folder holds a bare
// encoder; Save writes a bare one bare again.
//
// Vocabulary: N tokens of a batch, S its sequences, C hidden size, E width of
// the embeddings, V vocabulary.
//
// # What a folder may hold
//
// The encoder; its pooler (tanh of a linear layer on the first token), if it is
// there; the head of masked language modelling, if it is there. Heads of other
// tasks (classifier, qa_outputs, next sentence, ELECTRA's discriminator) and
// stored buffers are known by name and left out. Any other tensor is an error.
// A label head is put on with NewClassifier; LoadClassifier reads a folder that
// has one.
//
// # Adding a family
//
// A file of its name with its config.json fields and names (bert.go is the
// plainest), an entry in families, and a tiny model of it in
// testdata/make_fixtures.py and make_labels.py, which the parity tests then walk.
package encoder
