package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
)

// maxGroup bounds how many requests share one commit.
const maxGroup = 256

// job is one request to write.
type job struct {
	ctx   context.Context
	do    func(*query) error
	taken atomic.Bool // by the commit loop, or by a caller that gave up
	done  chan error  // gets the answer once
}

// write runs do in a transaction and returns once it is committed and synced,
// or with the error that rolled it back. When ctx ends before the commit loop
// has taken the request, nothing is written; after that the answer is awaited,
// so that the caller always knows.
func (s *Store) write(ctx context.Context, doing string, do func(*query) error) error {
	j := &job{ctx: ctx, do: do, done: make(chan error, 1)}
	if err := s.send(j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return s.fail(doing, err)
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return s.fail(doing, <-j.done)
	}
}

func (s *Store) send(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return s.errClosed()
	}
	select {
	case s.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

// commitLoop owns the writing connection: it takes all requests that wait, and
// commits them together.
func (s *Store) commitLoop() {
	defer close(s.idle)
	q := &query{ctx: context.Background(), on: s.conn, prepared: map[string]*sql.Stmt{}}
	defer q.close()
	for first := range s.jobs {
		group := []*job{first}
	gather:
		for len(group) < maxGroup {
			select {
			case j, ok := <-s.jobs:
				if !ok {
					break gather
				}
				group = append(group, j)
			default:
				break gather
			}
		}
		commit(q, group)
	}
}

// commit runs the group in one transaction and answers every job in it.
func commit(q *query, group []*job) {
	var live []*job
	for _, j := range group {
		if j.taken.CompareAndSwap(false, true) {
			live = append(live, j)
		}
	}
	if len(live) == 0 {
		return
	}
	answers, err := transact(q, live)
	for i, j := range live {
		if err != nil {
			j.done <- err
		} else {
			j.done <- answers[i]
		}
	}
}

// transact returns each job's own answer, or an error that means that nothing
// at all was written.
func transact(q *query, jobs []*job) (answers []error, err error) {
	if err := q.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			q.exec("ROLLBACK") // SQLite may have rolled back by itself
		}
	}()
	answers = make([]error, len(jobs))
	for i, j := range jobs {
		if err := q.exec("SAVEPOINT job"); err != nil {
			return nil, err
		}
		if answers[i] = j.do(q); answers[i] != nil {
			if err := q.exec("ROLLBACK TO job"); err != nil {
				return nil, fmt.Errorf("%w (and the transaction was lost: %v)", answers[i], err)
			}
		}
		if err := q.exec("RELEASE job"); err != nil {
			return nil, err
		}
	}
	return answers, q.exec("COMMIT")
}
