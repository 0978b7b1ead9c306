package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tunelab/tunelab/tracking"
)

const runColumns = `SELECT r.n, r.id, (SELECT id FROM experiments WHERE n=r.experiment), r.name, r.method, r.stage, r.task, r.seed,
	r.status, r.reason, r.spec, r.spec_hash, r.code_version, r.machine, r.named_seeds, r.unlocked, r.not_replayable,
	r.created, r.started, r.ended, r.cost, r.log_tail,
	(SELECT json_group_object(name, sha256) FROM run_hashes WHERE run=r.n) FROM runs r `

func scanRun(row scanner) (r tracking.Run, err error) {
	var n, created, started, ended int64
	var spec, machine, seeds, cost, hashes string
	err = row.Scan(&n, &r.ID, &r.Experiment, &r.Name, &r.Method, &r.Stage, &r.Task, &r.Seed,
		&r.Status, &r.Reason, &spec, &r.SpecHash, &r.CodeVersion, &machine, &seeds, &r.Unlocked, &r.NotReplayable,
		&created, &started, &ended, &cost, &r.LogTail, &hashes)
	if err != nil {
		return r, err
	}
	r.SpecJSON, r.Machine, r.NamedSeeds, r.Cost = raw(spec), raw(machine), raw(seeds), raw(cost)
	r.Created, r.Started, r.Ended = instant(created), instant(started), instant(ended)
	if hashes != "{}" {
		err = json.Unmarshal([]byte(hashes), &r.Hashes)
	}
	return r, err
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

func (q *query) run(n int64) (tracking.Run, error) {
	return scanRun(q.row(runColumns+"WHERE r.n=?", n))
}

// GetRun implements tracking.Store.
func (s *Store) GetRun(ctx context.Context, idOrPrefix string) (run tracking.Run, err error) {
	if idOrPrefix == "" {
		return run, tracking.Errorf(tracking.Invalid, "run: the id is empty; give an id or its first characters")
	}
	err = s.read(ctx, "get run", func(q *query) error {
		run, err = scanRun(q.row(runColumns+"WHERE r.id=?", idOrPrefix))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		// Ids are made of a-z, 0-9 and "-": "~" sorts behind all of them.
		found, err := list(q, scanRun, runColumns+"WHERE r.id>=?1 AND r.id<?1||'~' ORDER BY r.id LIMIT 6", idOrPrefix)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return tracking.Errorf(tracking.NotFound, "run %q: there is none whose id starts so; list the runs to find it", idOrPrefix)
		case len(found) > 1:
			return tracking.Errorf(tracking.Conflict, "run %q: more than one id starts so (%s); give more of its characters", idOrPrefix, candidates(found))
		}
		run = found[0]
		return nil
	})
	return run, err
}

func candidates(runs []tracking.Run) string {
	var ids []string
	for i, r := range runs {
		if i == 5 {
			ids = append(ids, "...")
			break
		}
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, ", ")
}

// ListRuns implements tracking.Store.
func (s *Store) ListRuns(ctx context.Context, f tracking.RunFilter) (runs []tracking.Run, err error) {
	if f.Limit < 0 || f.Offset < 0 {
		return nil, tracking.Errorf(tracking.Invalid, "list runs: limit %d, offset %d; neither may be negative", f.Limit, f.Offset)
	}
	var where []string
	var args []any
	add := func(cond string, arg any) { where, args = append(where, cond), append(args, arg) }
	for _, c := range []struct{ column, value string }{
		{"method", f.Method}, {"stage", f.Stage}, {"task", f.Task}, {"spec_hash", f.SpecHash},
	} {
		if c.value != "" {
			add("r."+c.column+"=?", c.value)
		}
	}
	if f.Seed != nil {
		add("r.seed=?", *f.Seed)
	}
	if len(f.Statuses) > 0 {
		where = append(where, "r.status IN (?"+strings.Repeat(",?", len(f.Statuses)-1)+")")
		for _, st := range f.Statuses {
			if !st.Valid() {
				return nil, tracking.Errorf(tracking.Invalid, "list runs: status %q is unknown; it is one of %v", st, tracking.Statuses())
			}
			args = append(args, st)
		}
	}
	err = s.read(ctx, "list runs", func(q *query) error {
		if f.Experiment != "" {
			e, err := q.experiment(f.Experiment)
			if err != nil {
				return err
			}
			add("r.experiment=(SELECT n FROM experiments WHERE id=?)", e.ID)
		}
		text := runColumns
		if len(where) > 0 {
			text += "WHERE " + strings.Join(where, " AND ")
		}
		if f.OldestFirst {
			text += " ORDER BY r.n LIMIT ? OFFSET ?"
		} else {
			text += " ORDER BY r.n DESC LIMIT ? OFFSET ?"
		}
		runs, err = list(q, scanRun, text, append(args, limit(f.Limit), f.Offset)...)
		return err
	})
	return runs, err
}

// limit is SQL's: -1 for none.
func limit(n int) int {
	if n <= 0 {
		return -1
	}
	return n
}

// Params implements tracking.Store.
func (s *Store) Params(ctx context.Context, run string) ([]tracking.Param, error) {
	return perRun(ctx, s, "list parameters", run, func(q *query, n int64) ([]tracking.Param, error) {
		return list(q, func(r scanner) (p tracking.Param, err error) {
			p.Run = run
			var value string
			err = r.Scan(&p.Key, &value)
			p.Value = raw(value)
			return p, err
		}, "SELECT key, value FROM params WHERE run=? ORDER BY key", n)
	})
}

const edges = `SELECT (SELECT id FROM runs WHERE n=e.run), (SELECT id FROM runs WHERE n=e.parent), e.relation FROM run_parents e `

func scanParent(r scanner) (p tracking.Parent, err error) {
	return p, r.Scan(&p.Run, &p.Parent, &p.Relation)
}

// Parents implements tracking.Store.
func (s *Store) Parents(ctx context.Context, run string) ([]tracking.Parent, error) {
	return perRun(ctx, s, "list parents", run, func(q *query, n int64) ([]tracking.Parent, error) {
		return list(q, scanParent, edges+"WHERE e.run=? ORDER BY e.position", n)
	})
}

// Children implements tracking.Store.
func (s *Store) Children(ctx context.Context, run string) ([]tracking.Parent, error) {
	return perRun(ctx, s, "list children", run, func(q *query, n int64) ([]tracking.Parent, error) {
		return list(q, scanParent, edges+"WHERE e.parent=? ORDER BY e.run, e.position", n)
	})
}

// perRun reads rows of one run, which must exist.
func perRun[T any](ctx context.Context, s *Store, doing, run string, do func(q *query, n int64) ([]T, error)) (out []T, err error) {
	err = s.read(ctx, doing, func(q *query) error {
		n, _, err := q.rowOf(run)
		if err != nil {
			return err
		}
		out, err = do(q, n)
		return err
	})
	return out, err
}
