// Package lab is the researcher's API, behind the command line and the
// notebook alike: Open a state folder, run a Study, read back a Comparison,
// Replay or Export a run.
//
//	l, err := lab.Open(".tunelab", lab.Options{})
//	study, err := lab.LoadStudy("study.yaml")
//	runs, err := l.Run(ctx, study)
//	table, err := l.Compare(ctx, study.Name)
package lab
