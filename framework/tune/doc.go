// Package tune is the adapter level of method authoring: an Adapter says which
// modules it adds and which parameters train, and this package gives it data,
// training, evaluation, checkpoints, resume, saving and prediction.
//
// full, head, lora, qlora and sft are adapters. A method that owns its whole
// run implements sdk.Method itself and may still use LM for inference.
//
// A run goes through here as follows: Serve wraps the Adapter as an
// sdk.Method (method.go); Run loads the model, encodes the examples once
// (data.go, encode.go), attaches the adapter, trains (trainer.go) with
// checkpoints that hold everything a resumed run needs (state.go), saves, and
// proves that what it saved gives the same validation loss when loaded afresh
// (result.go); Predictor loads the result in a new process and answers items
// (predict.go). What sets an encoder apart is in encoder.go and labels.go.
//
// Package tunetest checks an adapter against all of that.
//
// # Label heads
//
// On a decoder the harness adds one linear layer without bias on the last
// token's final state, [labels, C], and saves it beside the adapter (HeadFile).
// That is what transformers' ForSequenceClassification of most families computes;
// an export puts it there, or into the PEFT folder (package lab).
//
// On an encoder (an adapter that is an EncoderAdapter) the label head is that of
// transformers' AutoModelForSequenceClassification, family by family
// (encoder.Classifier), since that is what a researcher compares with and loads
// the result into:
//
//	BERT                     pooler (first token, dense, tanh), classifier
//	DistilBERT               first token, pre_classifier, relu, classifier
//	RoBERTa, MPNet, ELECTRA  first token, dense, tanh (ELECTRA: gelu), out_proj
//	ModernBERT               first token or mean, dense, activation, norm, classifier
//
// What comes before the output layer is the folder's where it has it (BERT's
// pooler; ModernBERT's layer from its masked-LM head; an earlier classifier's)
// and otherwise new; the output layer is always new, as its rows are this task's
// labels. One rule follows for every method: what is new trains, what the folder
// had trains as the method says, so that head and lora leave a pooler alone.
//
// The head belongs to the model there, and the adapter saves it where others
// look for it: full writes the folder of transformers' class, with the labels'
// names; lora and qlora put it into the PEFT folder as modules_to_save, with the
// task type SEQ_CLS. New weights are normal with the config's initializer_range,
// biases 0. There is no dropout: for equal numbers set it to 0 in transformers
// (hidden_dropout_prob, attention_probs_dropout_prob, seq_classif_dropout, ...).
// Texts are encoded with the tokenizer's special tokens and token types, and cut
// as tokenizers cut.
//
// An encoder does not write. Tasks without labels, the completion objective and
// every mode but labels are refused (Validate, NeedsDecoder); a study shows that
// as not applicable.
//
// # Writing an adapter
//
//  1. Describe and Schema: the name, a citation, and each hyper-parameter with
//     its range, default and the paper's section.
//  2. Attach: freeze the model (Model.Freeze), make parameters with
//     autograd.NewParam, and hang them on the model by its hooks (package model):
//     Linear.Adapt on layers that peft.Match finds, or Model.SetPrefix. Draw from
//     Request.RNG alone. What is computed there are ops of a Tape, or an op of
//     your own (framework/compute/doc.go). Return a Folder, which saves the
//     parameters in PEFT's form.
//  3. Restore: peft.ReadConfig, the same attachment, peft.ReadParams.
//  4. Tests: tunetest.Check in each kind of task, and tunetest.Parity against
//     another implementation if there is one.
//
// To work on encoders too, implement EncoderAdapter: Linear.Adapt and peft.Match
// are the same there.
//
// plugins/contrib has seven of them, each in a module of its own.
package tune
