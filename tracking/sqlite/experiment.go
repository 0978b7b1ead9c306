package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tunelab/tunelab/tracking"
)

// CreateExperiment implements tracking.Store.
func (s *Store) CreateExperiment(ctx context.Context, name string) (e tracking.Experiment, err error) {
	err = s.write(ctx, "create experiment", func(q *query) error {
		if _, err := q.experiment(name); err == nil {
			return tracking.Errorf(tracking.Conflict, "experiment %q: there is one with this name; choose another", name)
		} else if !errors.Is(err, tracking.NotFound) {
			return err
		}
		e, err = s.insertExperiment(q, name)
		return err
	})
	return e, err
}

// GetOrCreateExperiment implements tracking.Store.
func (s *Store) GetOrCreateExperiment(ctx context.Context, name string) (e tracking.Experiment, err error) {
	err = s.write(ctx, "create experiment", func(q *query) error {
		e, err = scanExperiment(q.row("SELECT id, name, created FROM experiments WHERE name=?", name))
		if errors.Is(err, sql.ErrNoRows) {
			e, err = s.insertExperiment(q, name)
		}
		return err
	})
	return e, err
}

func (s *Store) insertExperiment(q *query, name string) (tracking.Experiment, error) {
	if name == "" {
		return tracking.Experiment{}, tracking.Errorf(tracking.Invalid, "experiment: the name is empty; give it one")
	}
	now := s.clock()
	e := tracking.Experiment{ID: tracking.NewID(now), Name: name, Created: instant(nanos(now))}
	return e, q.exec("INSERT INTO experiments (id, name, created) VALUES (?,?,?)", e.ID, e.Name, nanos(now))
}

// GetExperiment implements tracking.Store.
func (s *Store) GetExperiment(ctx context.Context, idOrName string) (e tracking.Experiment, err error) {
	err = s.read(ctx, "get experiment", func(q *query) error {
		e, err = q.experiment(idOrName)
		return err
	})
	return e, err
}

// ListExperiments implements tracking.Store.
func (s *Store) ListExperiments(ctx context.Context) (es []tracking.Experiment, err error) {
	err = s.read(ctx, "list experiments", func(q *query) error {
		es, err = list(q, scanExperiment, "SELECT id, name, created FROM experiments ORDER BY n")
		return err
	})
	return es, err
}

// experiment finds one by id, then by name.
func (q *query) experiment(idOrName string) (tracking.Experiment, error) {
	e, err := scanExperiment(q.row("SELECT id, name, created FROM experiments WHERE id=?1 OR name=?1 ORDER BY id=?1 DESC LIMIT 1", idOrName))
	if errors.Is(err, sql.ErrNoRows) {
		err = tracking.Errorf(tracking.NotFound, "experiment %q: there is none with this id or name; tunelab runs list shows them", idOrName)
	}
	return e, err
}

func scanExperiment(r scanner) (e tracking.Experiment, err error) {
	var created int64
	err = r.Scan(&e.ID, &e.Name, &created)
	e.Created = instant(created)
	return e, err
}
