// Package run carries one run from its spec to its row: it writes the row
// first, holds a lease on it, drives the plugin, seals the artifacts by hash,
// asks a fresh process of the plugin for predictions, scores them, and ends
// the run in a true state whatever happens.
//
// Runner.Run is the whole path; ask.go decides how a method is asked for a
// task's metric, record.go turns plugin events into rows, lease.go shows that a
// run has a living host and finds those that have none, chain.go runs the
// stages of a chained method.
package run
