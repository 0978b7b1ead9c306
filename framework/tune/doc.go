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
package tune
