package tune

import "github.com/tunelab/tunelab/framework/spec"

// Objectives of training.
const (
	Auto       = "auto"       // classify when the task has labels, else completion
	Classify   = "classify"   // a label head, cross-entropy over labels
	Completion = "completion" // cross-entropy on the completion's tokens only
)

// TrainingSchema is the one set of training defaults; a method that needs
// another default redeclares the parameter.
func TrainingSchema() spec.Schema {
	return spec.Schema{Params: []spec.Param{
		{Name: "objective", Type: "string", Default: Auto, Choices: []string{Auto, Classify, Completion},
			Description: "what is trained: a label head (of a decoder a linear layer on the last token, of an encoder that of transformers' sequence classification), or the completion's tokens; auto takes the head when the task has labels", Source: "label head: Radford et al. 2018, section 3.2; completion: TRL SFTConfig, completion_only_loss"},
		{Name: "epochs", Type: "float", Default: 3.0, Min: spec.At(0), Max: spec.At(1000), Description: "passes over the training examples", Source: "transformers TrainingArguments"},
		{Name: "max_steps", Type: "int", Default: 0, Min: spec.At(0), Unit: "steps", Description: "ends training after this many optimiser steps; 0: epochs decide", Source: "transformers TrainingArguments"},
		{Name: "learning_rate", Type: "float", Default: 1e-3, Min: spec.At(0), Max: spec.At(10), Description: "peak learning rate of AdamW", Source: "Loshchilov and Hutter 2019, section 2; transformers TrainingArguments"},
		{Name: "batch_size", Type: "int", Default: 32, Min: spec.At(1), Max: spec.At(65536), Unit: "examples", Description: "examples in an optimiser step", Source: "transformers TrainingArguments, per_device_train_batch_size"},
		{Name: "accumulation", Type: "int", Default: 1, Min: spec.At(1), Max: spec.At(4096), Description: "micro-batches an optimiser step is split into; the gradient stays that of the whole batch", Source: "transformers TrainingArguments, gradient_accumulation_steps"},
		{Name: "gradient_checkpointing", Type: "bool", Default: false, Description: "computes what is inside a block again in the backward pass instead of keeping it: less memory, about a third more arithmetic, the same numbers", Source: "Chen et al. 2016, section 3; transformers TrainingArguments"},
		{Name: "schedule", Type: "string", Default: "linear", Choices: []string{"constant", "linear", "cosine"}, Description: "learning-rate decay after the warm-up", Source: "transformers get_scheduler"},
		{Name: "warmup", Type: "float", Default: 0.06, Min: spec.At(0), Description: "warm-up: a share of all steps when below 1, a number of steps from 1 on", Source: "transformers TrainingArguments, warmup_ratio and warmup_steps"},
		{Name: "weight_decay", Type: "float", Default: 0.0, Min: spec.At(0), Max: spec.At(1), Description: "decoupled weight decay of the matrices; norms and biases have none", Source: "Loshchilov and Hutter 2019, section 2; transformers Trainer"},
		{Name: "max_grad_norm", Type: "float", Default: 1.0, Min: spec.At(0), Description: "gradients are scaled down to this global norm; 0: never", Source: "Pascanu et al. 2013, section 3.2; transformers TrainingArguments"},
		{Name: "max_length", Type: "int", Default: 0, Min: spec.At(0), Unit: "tokens", Description: "examples are cut at this length; 0: the task's, else the model's context", Source: "TRL SFTConfig, max_length"},
		{Name: "eval_every", Type: "int", Default: 0, Min: spec.At(0), Unit: "steps", Description: "evaluates on the validation split and checkpoints every so many steps; 0: once an epoch", Source: "transformers TrainingArguments, eval_steps and save_steps"},
	}}
}

// Merge adds the training parameters to an adapter's own; the adapter's
// declaration of a name wins.
func Merge(own spec.Schema) spec.Schema {
	have := map[string]bool{}
	for _, p := range own.Params {
		have[p.Name] = true
	}
	out := spec.Schema{Params: append([]spec.Param(nil), own.Params...)}
	for _, p := range TrainingSchema().Params {
		if !have[p.Name] {
			out.Params = append(out.Params, p)
		}
	}
	return out
}
