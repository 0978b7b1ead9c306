package sqlite

import (
	"context"
	"errors"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/tunelab/tunelab/tracking"
)

// fail turns an error of the database into one of the record, with the file's
// name and what to do. Errors that already have a code pass as they are.
func (s *Store) fail(doing string, err error) error {
	return explain(s.path, doing, err)
}

func explain(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	var te *tracking.Error
	if errors.As(err, &te) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var se sqlite3.Error
	if !errors.As(err, &se) {
		return tracking.Errorf(tracking.Internal, "%s: %s: %w", path, doing, err)
	}
	switch se.Code {
	case sqlite3.ErrNotADB:
		return tracking.Errorf(tracking.Corrupt, "%s: is not a SQLite database; choose another path, or put the right file there: %w", path, err)
	case sqlite3.ErrCorrupt:
		return corrupt(path, err.Error())
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return tracking.Errorf(tracking.Unavailable, "%s: %s: another process holds the write lock for too long; see which one has the file open, and try again: %w", path, doing, err)
	case sqlite3.ErrFull:
		return tracking.Errorf(tracking.Unavailable, "%s: %s: the disk is full; free space and try again: %w", path, doing, err)
	case sqlite3.ErrCantOpen, sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return tracking.Errorf(tracking.Unavailable, "%s: %s: the file or its folder cannot be opened for reading and writing; check the path and its permissions: %w", path, doing, err)
	case sqlite3.ErrIoErr:
		return tracking.Errorf(tracking.Unavailable, "%s: %s: the disk gave an input/output error; check the disk: %w", path, doing, err)
	}
	return tracking.Errorf(tracking.Internal, "%s: %s: %w", path, doing, err)
}

func corrupt(path, what string) error {
	return tracking.Errorf(tracking.Corrupt, "%s: the database is damaged (%s); restore a copy, or save what can be read with: sqlite3 %s .recover", path, what, path)
}
