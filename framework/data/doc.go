// Package data turns a task file and the rows it names into what a run needs:
// training and validation examples for the method, test items without answers,
// and the answers for the host alone.
//
// One task's way through the package:
//
//	LoadTask   reads the YAML file, strictly           taskfile.go
//	ReadRows   reads JSON, JSONL, CSV, TSV, Parquet    rows.go, read_*.go
//	Template   renders prompts and answers             template.go, filter.go
//	split      files, or seeded fractions of one file  split.go
//	Overlap    finds test examples in training data    overlap.go, ngram.go
//	Prepare    does all of this and hashes the result  prepare.go
//	Budgeted   cuts the training split                 budget.go
//	WriteExamples, WriteItems                          write.go
//
// TASKS.md documents every field of a task file; [TaskSchema] is the same as a
// JSON Schema for editors.
package data
