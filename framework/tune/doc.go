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
// proves that what it saved gives the same validation loss when loaded afresh;
// Predictor loads the result in a new process and answers items (predict.go).
//
// Package tunetest checks an adapter against all of that.
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
// plugins/contrib has seven of them, each in a module of its own.
package tune
