// Package tunetest holds what tests of methods need: a tiny random model
// folder, small tasks that it can learn, runs in this process, and one set of
// checks that every adapter must pass (Check).
//
// A method's test is then a table of cases:
//
//	tunetest.Check(t, lora{}, tunetest.Case{Data: tunetest.Classification(), Trainable: 1234})
package tunetest
