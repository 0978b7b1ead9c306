package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

// lease is the run's lease, if it has one.
func (q *query) lease(n int64, run string) (l tracking.Lease, ok bool, err error) {
	var expires, heartbeat int64
	err = q.row("SELECT holder, expires, heartbeat FROM leases WHERE run=?", n).Scan(&l.Holder, &expires, &heartbeat)
	if errors.Is(err, sql.ErrNoRows) {
		return l, false, nil
	}
	l.Run, l.Expires, l.Heartbeat = run, instant(expires), instant(heartbeat)
	return l, err == nil, err
}

func (s *Store) putLease(q *query, n int64, run, holder string, now time.Time, ttl time.Duration) (tracking.Lease, error) {
	l := tracking.Lease{Run: run, Holder: holder, Expires: instant(nanos(now.Add(ttl))), Heartbeat: instant(nanos(now))}
	return l, q.exec(`INSERT INTO leases (run, holder, expires, heartbeat) VALUES (?1,?2,?3,?4)
		ON CONFLICT (run) DO UPDATE SET holder=?2, expires=?3, heartbeat=?4`, n, holder, nanos(l.Expires), nanos(now))
}

func validLease(run, holder string, ttl time.Duration) error {
	if holder == "" {
		return tracking.Errorf(tracking.Invalid, "run %s: lease: the holder is empty; name the process", run)
	}
	if ttl <= 0 {
		return tracking.Errorf(tracking.Invalid, "run %s: lease: time to live %v; give a positive one", run, ttl)
	}
	return nil
}

// Acquire implements tracking.Store.
func (s *Store) Acquire(ctx context.Context, run, holder string, ttl time.Duration) (lease tracking.Lease, err error) {
	if err := validLease(run, holder, ttl); err != nil {
		return lease, err
	}
	err = s.write(ctx, "acquire lease", func(q *query) error {
		n, status, err := q.rowOf(run)
		if err != nil {
			return err
		}
		if status.Ended() {
			return tracking.Errorf(tracking.Conflict, "run %s: has ended (%s); resume it as a new run", run, status)
		}
		old, held, err := q.lease(n, run)
		if err != nil {
			return err
		}
		now := s.clock()
		if held && old.Holder != holder {
			if old.Expires.After(now) {
				return tracking.Errorf(tracking.Conflict, "run %s: %s works on it, until %s at least; stop that process first", run, old.Holder, old.Expires.Format(time.RFC3339))
			}
			if status == tracking.Running {
				return tracking.Errorf(tracking.Conflict, "run %s: %s worked on it and went silent; reap the run and resume it as a new one", run, old.Holder)
			}
		}
		if !held && status == tracking.Running {
			return tracking.Errorf(tracking.Conflict, "run %s: is running without a lease; reap the run and resume it as a new one", run)
		}
		lease, err = s.putLease(q, n, run, holder, now, ttl)
		return err
	})
	return lease, err
}

// Renew implements tracking.Store.
func (s *Store) Renew(ctx context.Context, run, holder string, ttl time.Duration) (lease tracking.Lease, err error) {
	if err := validLease(run, holder, ttl); err != nil {
		return lease, err
	}
	err = s.write(ctx, "renew lease", func(q *query) error {
		n, status, err := q.rowOf(run)
		if err != nil {
			return err
		}
		old, held, err := q.lease(n, run)
		if err != nil {
			return err
		}
		if !held {
			return tracking.Errorf(tracking.Conflict, "run %s: the lease is gone (the run is %s); stop working on it", run, status)
		}
		if old.Holder != holder {
			return tracking.Errorf(tracking.Conflict, "run %s: the lease is held by %s and not by %s; stop working on it", run, old.Holder, holder)
		}
		lease, err = s.putLease(q, n, run, holder, s.clock(), ttl)
		return err
	})
	return lease, err
}

// Release implements tracking.Store.
func (s *Store) Release(ctx context.Context, run, holder string) error {
	return s.write(ctx, "release lease", func(q *query) error {
		n, _, err := q.rowOf(run)
		if err != nil {
			return err
		}
		old, held, err := q.lease(n, run)
		if err != nil || !held {
			return err
		}
		if old.Holder != holder {
			return tracking.Errorf(tracking.Conflict, "run %s: the lease is held by %s and not by %s; only its holder gives it back", run, old.Holder, holder)
		}
		return q.exec("DELETE FROM leases WHERE run=?", n)
	})
}

// GetLease implements tracking.Store.
func (s *Store) GetLease(ctx context.Context, run string) (lease tracking.Lease, err error) {
	err = s.read(ctx, "get lease", func(q *query) error {
		n, status, err := q.rowOf(run)
		if err != nil {
			return err
		}
		var held bool
		if lease, held, err = q.lease(n, run); err == nil && !held {
			err = tracking.Errorf(tracking.NotFound, "run %s: has no lease (it is %s)", run, status)
		}
		return err
	})
	return lease, err
}

// ReapLost implements tracking.Store.
func (s *Store) ReapLost(ctx context.Context, now time.Time) (ids []string, err error) {
	type silent struct {
		n, heartbeat int64
		id, holder   string
	}
	err = s.write(ctx, "reap lost runs", func(q *query) error {
		at := now
		if at.IsZero() {
			at = s.clock()
		}
		lost, err := list(q, func(r scanner) (l silent, err error) {
			return l, r.Scan(&l.n, &l.id, &l.holder, &l.heartbeat)
		}, `SELECT r.n, r.id, coalesce(l.holder,''), coalesce(l.heartbeat,0) FROM runs r LEFT JOIN leases l ON l.run=r.n
			WHERE (r.status='running' AND (l.run IS NULL OR l.expires<=?1)) OR (r.status='pending' AND l.expires<=?1) ORDER BY r.n`, nanos(at))
		if err != nil {
			return err
		}
		ids = nil
		for _, l := range lost {
			reason := "its host gave the lease back without ending the run"
			if l.holder != "" {
				reason = fmt.Sprintf("its host %s went silent: last heartbeat %s", l.holder, instant(l.heartbeat).Format(time.RFC3339))
			}
			if err := s.move(q, l.n, l.id, tracking.Lost, reason); err != nil {
				return err
			}
			ids = append(ids, l.id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}
