package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3" // registers the driver "sqlite3"

	"github.com/tunelab/tunelab/tracking"
)

// Options of Open; the zero value is the usual one.
type Options struct {
	Clock       func() time.Time // default: time.Now
	Readers     int              // connections that read at the same time; default 4
	BusyTimeout time.Duration    // how long to wait for another process's write; default 30 s
	MustExist   bool             // refuse to make a new file
}

// checkAtOpen is the largest file, in bytes, whose every page Open looks at. A
// larger one is checked by Check, and by SQLite as its pages are read.
const checkAtOpen = 32 << 20

// Open opens the record at path, making the file and its folder when they are
// not there, and brings its schema up to date.
//
// Errors: NotFound (MustExist and no file), Corrupt (not a database, damaged,
// or the database of another program), TooNew (the schema of a later version),
// Invalid (on a network file system), Unavailable.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 30 * time.Second
	}
	size, err := prepare(path, o.MustExist)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, clock: o.Clock, jobs: make(chan *job, 256), idle: make(chan struct{})}
	if s.writer, err = sql.Open("sqlite3", dsn(path, o.BusyTimeout, false)); err != nil {
		return nil, explain(path, "open", err)
	}
	s.writer.SetMaxOpenConns(1)
	if err := s.start(ctx, o.BusyTimeout, size <= checkAtOpen); err != nil {
		s.writer.Close()
		return nil, explain(path, "open", err)
	}
	if s.reader, err = sql.Open("sqlite3", dsn(path, o.BusyTimeout, true)); err != nil {
		s.conn.Close()
		s.writer.Close()
		return nil, explain(path, "open", err)
	}
	s.reader.SetMaxOpenConns(o.Readers)
	s.reader.SetMaxIdleConns(o.Readers)
	go s.commitLoop()
	return s, nil
}

// start sets up the one writing connection.
func (s *Store) start(ctx context.Context, wait time.Duration, check bool) (err error) {
	if s.conn, err = s.writer.Conn(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.conn.Close()
		}
	}()
	if _, err := s.conn.ExecContext(ctx, "PRAGMA fullfsync=ON"); err != nil { // of use on macOS only
		return err
	}
	all, err := embedded()
	if err != nil {
		return err
	}
	if err := migrate(ctx, s.conn, s.path, all); err != nil {
		return err
	}
	if err := useWAL(ctx, s.conn, wait); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(s.path)); err != nil { // the new file's name
		return err
	}
	if check {
		return integrity(ctx, s.conn, s.path, "quick_check(1)")
	}
	return nil
}

// useWAL turns the write-ahead log on; the file remembers it. The switch wants
// the file for itself and does not wait by itself when another process opens
// the file at the same moment.
func useWAL(ctx context.Context, c *sql.Conn, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; {
		var mode string
		err := c.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
		if err == nil && mode == "wal" {
			return nil
		}
		if err == nil {
			return tracking.Errorf(tracking.Unavailable, "the write-ahead log cannot be turned on (journal mode stays %q); put the record on a local disk", mode)
		}
		var se sqlite3.Error
		if !errors.As(err, &se) || se.Code != sqlite3.ErrBusy || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// prepare looks at the path before SQLite does, and returns the file's size.
func prepare(path string, mustExist bool) (size int64, err error) {
	st, err := os.Stat(path)
	switch {
	case err == nil && st.IsDir():
		return 0, tracking.Errorf(tracking.Invalid, "%s: is a folder; give the path of a database file", path)
	case err == nil:
		size = st.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return 0, tracking.Errorf(tracking.Unavailable, "open the record: %w", err)
	case mustExist:
		return 0, tracking.Errorf(tracking.NotFound, "%s: there is no record of runs; start a run first, or give the path of another record", path)
	default:
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return 0, tracking.Errorf(tracking.Unavailable, "make the record's folder: %w", err)
		}
	}
	if name := networkFileSystem(filepath.Dir(path)); name != "" {
		return 0, tracking.Errorf(tracking.Invalid, "%s: is on a network file system (%s), where SQLite's write-ahead log can lose data; put the record on a local disk", path, name)
	}
	return size, nil
}

// dsn names the file and the settings of each of its connections.
func dsn(path string, busy time.Duration, readOnly bool) string {
	q := url.Values{}
	q.Set("_busy_timeout", strconv.FormatInt(max(1, busy.Milliseconds()), 10))
	q.Set("_foreign_keys", "1")
	q.Set("_synchronous", "FULL")
	if readOnly {
		q.Set("_query_only", "1")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}).String()
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
