package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/tunelab/tunelab/tracking"
)

// CreateRun implements tracking.Store.
func (s *Store) CreateRun(ctx context.Context, nr tracking.NewRun) (run tracking.Run, err error) {
	if err := nr.Validate(); err != nil {
		return run, err
	}
	err = s.write(ctx, "create run", func(q *query) error {
		r := nr.Run
		now := s.clock()
		if r.ID == "" {
			r.ID = tracking.NewID(now)
		}
		if r.Created.IsZero() {
			r.Created = now
		}
		if r.SpecHash == "" {
			sum := sha256.Sum256(r.SpecJSON)
			r.SpecHash = hex.EncodeToString(sum[:])
		}
		if _, _, err := q.rowOf(r.ID); err == nil {
			return tracking.Errorf(tracking.Conflict, "run %s: there is one with this id; leave run.id empty to get a new one", r.ID)
		} else if !errors.Is(err, tracking.NotFound) {
			return err
		}
		e, err := q.experiment(r.Experiment)
		if err != nil {
			return err
		}
		if err := q.exec(`INSERT INTO runs (id, experiment, name, method, stage, task, seed, status, reason, spec, spec_hash,
			code_version, machine, named_seeds, unlocked, not_replayable, created, started, ended, cost, log_tail)
			VALUES (?, (SELECT n FROM experiments WHERE id=?), ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,0,0,?,?)`,
			r.ID, e.ID, r.Name, r.Method, r.Stage, r.Task, r.Seed, tracking.Pending, r.Reason, string(r.SpecJSON), r.SpecHash,
			r.CodeVersion, string(r.Machine), string(r.NamedSeeds), r.Unlocked, r.NotReplayable, nanos(r.Created),
			string(r.Cost), r.LogTail); err != nil {
			return err
		}
		n, _, err := q.rowOf(r.ID)
		if err != nil {
			return err
		}
		if err := q.addHashes(n, r.ID, r.Hashes); err != nil {
			return err
		}
		for _, p := range nr.Params {
			if err := q.exec("INSERT INTO params (run, key, value) VALUES (?,?,?)", n, p.Key, string(p.Value)); err != nil {
				return err
			}
		}
		for i, p := range nr.Parents {
			parent, _, err := q.rowOf(p.Parent)
			if err != nil {
				return tracking.Errorf(tracking.CodeOf(err), "parents[%d].parent: %w", i, err)
			}
			if err := q.exec("INSERT INTO run_parents (run, position, parent, relation) VALUES (?,?,?,?)", n, i, parent, p.Relation); err != nil {
				return err
			}
		}
		run, err = q.run(n)
		return err
	})
	return run, err
}

// addHashes adds the names that are new; another hash under a name that is
// there is a conflict.
func (q *query) addHashes(n int64, run string, hashes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(hashes)) {
		h := hashes[name]
		if name == "" || h == "" {
			return tracking.Errorf(tracking.Invalid, "run %s: hashes[%q]: %q; give both a name and a hash", run, name, h)
		}
		added, err := q.changed("INSERT INTO run_hashes (run, name, sha256) VALUES (?,?,?) ON CONFLICT DO NOTHING", n, name, h)
		if err != nil {
			return err
		}
		if added == 1 {
			continue
		}
		var old string
		if err := q.row("SELECT sha256 FROM run_hashes WHERE run=? AND name=?", n, name).Scan(&old); err != nil {
			return err
		}
		if old != h {
			return tracking.Errorf(tracking.Conflict, "run %s: hashes[%q]: is recorded as %s and not %s; what a run works on does not change, start a new run", run, name, old, h)
		}
	}
	return nil
}

// UpdateRun implements tracking.Store.
func (s *Store) UpdateRun(ctx context.Context, run string, u tracking.RunUpdate) error {
	if err := u.Validate(); err != nil {
		return err
	}
	return s.write(ctx, "update run", func(q *query) error {
		n, status, err := q.rowOf(run)
		if err != nil {
			return err
		}
		if status.Ended() && !u.AfterEnd() {
			return tracking.Errorf(tracking.Conflict, "run %s: has ended (%s): only its name and log may change; update it before it ends", run, status)
		}
		// A NULL argument leaves the column as it is.
		if err := q.exec(`UPDATE runs SET name=coalesce(?,name), code_version=coalesce(?,code_version),
			machine=coalesce(?,machine), named_seeds=coalesce(?,named_seeds), unlocked=coalesce(?,unlocked),
			not_replayable=coalesce(?,not_replayable), cost=coalesce(?,cost), log_tail=coalesce(?,log_tail) WHERE n=?`,
			u.Name, u.CodeVersion, optional(u.Machine), optional(u.NamedSeeds), u.Unlocked, u.NotReplayable,
			optional(u.Cost), u.LogTail, n); err != nil {
			return err
		}
		return q.addHashes(n, run, u.Hashes)
	})
}

func optional(j json.RawMessage) any {
	if j == nil {
		return nil
	}
	return string(j)
}

// SetStatus implements tracking.Store.
func (s *Store) SetStatus(ctx context.Context, run string, to tracking.Status, reason string) error {
	if !to.Valid() {
		return tracking.Errorf(tracking.Invalid, "run %s: status %q is unknown; it is one of %v", run, to, tracking.Statuses())
	}
	return s.write(ctx, "set status", func(q *query) error {
		n, from, err := q.rowOf(run)
		if err != nil || from == to {
			return err
		}
		if !from.CanBecome(to) {
			what := "it can become running, or end as failed, stopped, crashed or lost"
			if from == tracking.Running {
				what = "it can only end"
			} else if from.Ended() {
				what = "an ended run keeps its end state; start a new run"
			}
			return tracking.Errorf(tracking.Conflict, "run %s: is %s and cannot become %s: %s", run, from, to, what)
		}
		return s.move(q, n, run, to, reason)
	})
}

// move makes a legal move.
func (s *Store) move(q *query, n int64, run string, to tracking.Status, reason string) error {
	now := s.clock()
	if to == tracking.Running {
		l, ok, err := q.lease(n, run)
		if err != nil {
			return err
		}
		if !ok || !l.Expires.After(now) {
			return tracking.Errorf(tracking.Conflict, "run %s: needs a lease to become running; acquire one first", run)
		}
		return q.exec("UPDATE runs SET status=?, reason=?, started=? WHERE n=?", to, reason, nanos(now), n)
	}
	if err := q.exec("UPDATE runs SET status=?, reason=?, ended=? WHERE n=?", to, reason, nanos(now), n); err != nil {
		return err
	}
	return q.exec("DELETE FROM leases WHERE run=?", n)
}

// DeleteRun implements tracking.Store.
func (s *Store) DeleteRun(ctx context.Context, run string) error {
	return s.write(ctx, "delete run", func(q *query) error {
		n, status, err := q.rowOf(run)
		if err != nil {
			return err
		}
		if !status.Ended() {
			return tracking.Errorf(tracking.Conflict, "run %s: is %s; stop it before you delete it", run, status)
		}
		children, err := list(q, scanParent, edges+"WHERE e.parent=? ORDER BY e.run LIMIT 1", n)
		if err != nil {
			return err
		}
		if len(children) > 0 {
			return tracking.Errorf(tracking.Conflict, "run %s: run %s came from it (%s); delete that one first", run, children[0].Run, children[0].Relation)
		}
		return q.exec("DELETE FROM runs WHERE n=?", n) // its rows go with it
	})
}
