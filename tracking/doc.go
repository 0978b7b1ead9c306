// Package tracking is the record of runs: its domain types and the Store
// interface that every part of the program writes to and reads from.
//
// It holds no database. tracking/sqlite keeps the record in a SQLite file;
// a client of a tracking server can be another Store, so that a worker on
// another machine never opens the database file. tracking/storetest tests any
// Store through this interface alone. The files that runs make lie in
// tracking/artifact, by content; the Store holds only their names and hashes.
//
// # What a Store promises
//
//   - An append that returned nil survives kill -9 of every process, at once
//     and without a flush: returning is the acknowledgement.
//   - Values come back bit for bit: NaN (payload included), infinities and
//     negative zero.
//   - Nothing is sampled, coalesced or dropped.
//   - A run that has ended never changes its end state, and its metrics,
//     predictions, scores and artifacts are sealed. Events may still be added:
//     they explain a record and change none of its results.
//   - No run stays "running" for ever: a run can only become running under a
//     lease, and ReapLost ends the runs whose lease ran out.
//
// # One run, in order
//
//	run, err := store.CreateRun(ctx, tracking.NewRun{Run: ..., Params: ..., Parents: ...})
//	lease, err := store.Acquire(ctx, run.ID, holder, tracking.DefaultLeaseTTL)
//	err = store.SetStatus(ctx, run.ID, tracking.Running, "")
//	// store.Renew(...) every DefaultHeartbeat, beside:
//	err = store.AppendMetrics(ctx, run.ID, metrics)
//	err = store.PutPredictions(ctx, run.ID, predictions)
//	err = store.UpdateRun(ctx, run.ID, tracking.RunUpdate{Cost: cost})
//	err = store.SetStatus(ctx, run.ID, tracking.Finished, "") // ends the lease too
package tracking
