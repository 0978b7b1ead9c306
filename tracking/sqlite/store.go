package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

// Store is a tracking.Store in one SQLite file.
type Store struct {
	path   string
	clock  func() time.Time
	writer *sql.DB
	conn   *sql.Conn // the one writing connection; only commitLoop uses it
	reader *sql.DB

	mu     sync.RWMutex // guards closed and the sending on jobs
	closed bool
	jobs   chan *job
	idle   chan struct{} // closed when commitLoop has ended
}

var _ tracking.Store = (*Store)(nil)

// Path is the path of the database file, as given to Open.
func (s *Store) Path() string { return s.path }

// Close answers the writes under way and closes the file. A second call does
// nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.jobs)
	s.mu.Unlock()
	<-s.idle
	first := s.reader.Close()
	for _, err := range []error{s.conn.Close(), s.writer.Close()} {
		if first == nil {
			first = err
		}
	}
	return s.fail("close", first)
}

func (s *Store) errClosed() error {
	return tracking.Errorf(tracking.Unavailable, "%s: the record is closed; open it again", s.path)
}

// Check reads the whole file and verifies every page, index and reference.
// It returns Corrupt with the first damage.
func (s *Store) Check(ctx context.Context) error {
	return s.read(ctx, "check", func(q *query) error {
		var answer string
		if err := q.row("PRAGMA integrity_check(1)").Scan(&answer); err != nil {
			return err
		}
		if answer != "ok" {
			return corrupt(s.path, answer)
		}
		var table string
		switch err := q.row("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1").Scan(&table); err {
		case sql.ErrNoRows:
			return nil
		case nil:
			return corrupt(s.path, "a row of "+table+" names a row that is not there")
		default:
			return err
		}
	})
}
