// Package optim updates parameters: [AdamW], gradient clipping by norm, and
// learning-rate schedules in the conventions of torch and transformers.
//
// A step of training is: clear the gradients ([ZeroGrad]), forward and backward
// on a tape, [ClipGradNorm], [AdamW.Step] with the schedule's rate.
package optim
