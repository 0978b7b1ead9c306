package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

// preparer is a *sql.Conn or a *sql.Tx.
type preparer interface {
	PrepareContext(ctx context.Context, q string) (*sql.Stmt, error)
}

// query runs SQL on one connection, and prepares each text once.
type query struct {
	ctx      context.Context
	on       preparer
	prepared map[string]*sql.Stmt
}

func (q *query) stmt(text string) (*sql.Stmt, error) {
	if st := q.prepared[text]; st != nil {
		return st, nil
	}
	st, err := q.on.PrepareContext(q.ctx, text)
	if err == nil {
		q.prepared[text] = st
	}
	return st, err
}

func (q *query) close() {
	for _, st := range q.prepared {
		st.Close()
	}
}

func (q *query) exec(text string, args ...any) error {
	_, err := q.changed(text, args...)
	return err
}

// changed is exec that returns the number of rows it changed.
func (q *query) changed(text string, args ...any) (int64, error) {
	st, err := q.stmt(text)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(q.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row is a query for one row.
func (q *query) row(text string, args ...any) scanner {
	st, err := q.stmt(text)
	if err != nil {
		return failed{err}
	}
	return st.QueryRowContext(q.ctx, args...)
}

type scanner interface{ Scan(to ...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// list reads all rows of a query with scan.
func list[T any](q *query, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	st, err := q.stmt(text)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(q.ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// read runs do on one snapshot of the record.
func (s *Store) read(ctx context.Context, doing string, do func(*query) error) error {
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return s.errClosed()
	}
	tx, err := s.reader.BeginTx(ctx, nil)
	if err == nil {
		q := &query{ctx: ctx, on: tx, prepared: map[string]*sql.Stmt{}}
		err = do(q)
		q.close()
		tx.Rollback()
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return s.fail(doing, err)
}

// rowOf finds a run by its full id.
func (q *query) rowOf(run string) (n int64, status tracking.Status, err error) {
	err = q.row("SELECT n, status FROM runs WHERE id=?", run).Scan(&n, &status)
	if errors.Is(err, sql.ErrNoRows) {
		err = tracking.Errorf(tracking.NotFound, "run %q: there is none with this id; list the runs to find it", run)
	}
	return n, status, err
}

// openRow is rowOf for a run that may still be written to.
func (q *query) openRow(run, what string) (n int64, err error) {
	n, status, err := q.rowOf(run)
	if err == nil && status.Ended() {
		err = tracking.Errorf(tracking.Conflict, "run %s: has ended (%s) and its %s are sealed; start a new run", run, status, what)
	}
	return n, err
}

// nanos stores a time; the zero time is 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func bits(f float64) int64 { return int64(math.Float64bits(f)) }

func unbits(b int64) float64 { return math.Float64frombits(uint64(b)) }

// readable is the value column beside the bits: NULL for NaN.
func readable(f float64) any {
	if math.IsNaN(f) {
		return nil
	}
	return f
}
