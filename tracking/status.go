package tracking

import "slices"

// Status is where a run stands.
type Status string

// A run starts pending, becomes running, and ends in one of the other states.
const (
	Pending  Status = "pending"  // the row is written, nothing has started
	Running  Status = "running"  // a host works on it, under a lease
	Finished Status = "finished" // it did all it was asked to
	Failed   Status = "failed"   // it ended with an error of its own
	Stopped  Status = "stopped"  // a person or a cap ended it; it may be resumed as a new run
	Crashed  Status = "crashed"  // its plugin died
	Lost     Status = "lost"     // its host went silent: the lease ran out
)

// Statuses lists every status, in the order of a run's life.
func Statuses() []Status {
	return []Status{Pending, Running, Finished, Failed, Stopped, Crashed, Lost}
}

// Valid reports whether s is a status at all.
func (s Status) Valid() bool { return slices.Contains(Statuses(), s) }

// Ended reports whether s is an end state, which never changes.
func (s Status) Ended() bool { return s.Valid() && s != Pending && s != Running }

// CanBecome reports whether a run may go from s to next. A pending run may end
// without having run (a failed validation, a plugin that does not start), but
// cannot finish.
func (s Status) CanBecome(next Status) bool {
	switch s {
	case Pending:
		return next == Running || (next.Ended() && next != Finished)
	case Running:
		return next.Ended()
	}
	return false
}
