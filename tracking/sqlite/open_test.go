package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/sqlite"
)

// filled is the path of a closed record with rows on many pages.
func filled(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "record.db")
	s := open(t, file, sqlite.Options{})
	e, err := s.CreateExperiment(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.CreateRun(t.Context(), tracking.NewRun{Run: tracking.Run{Experiment: e.ID, Method: "m", LogTail: strings.Repeat("log line\n", 4000)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AppendMetrics(t.Context(), r.ID, losses(2000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func losses(n int) []tracking.Metric {
	ms := make([]tracking.Metric, n)
	for i := range ms {
		ms[i] = tracking.Metric{Name: "train/loss", Step: int64(i), Value: 1 / float64(i+1)}
	}
	return ms
}

// raw runs SQL on a file, past the package.
func raw(t *testing.T, file, text string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", file)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestOpenRefuses(t *testing.T) {
	write := func(content string) func(*testing.T) string {
		return func(t *testing.T) string {
			f := filepath.Join(t.TempDir(), "record.db")
			if err := os.WriteFile(f, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	change := func(do func([]byte) []byte) func(*testing.T) string {
		return func(t *testing.T) string {
			f := filled(t)
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if len(b) < 20*4096 {
				t.Fatalf("the record has only %d bytes", len(b))
			}
			if err := os.WriteFile(f, do(b), 0o644); err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	statement := func(text string) func(*testing.T) string {
		return func(t *testing.T) string {
			f := filled(t)
			raw(t, f, text).Close()
			return f
		}
	}
	for name, c := range map[string]struct {
		file  func(*testing.T) string
		code  tracking.Code
		words string
	}{
		"a text":            {write(strings.Repeat("id,name\n", 1000)), tracking.Corrupt, "not a SQLite database"},
		"a short text":      {write("hello\n"), tracking.Corrupt, "not a SQLite database"},
		"a damaged header":  {change(func(b []byte) []byte { b[3] ^= 0xff; return b }), tracking.Corrupt, "not a SQLite database"},
		"cut short":         {change(func(b []byte) []byte { return b[:len(b)/2/4096*4096] }), tracking.Corrupt, "damaged"},
		"cut inside a page": {change(func(b []byte) []byte { return b[:len(b)-1000] }), tracking.Corrupt, "damaged"},
		"a damaged page":    {change(func(b []byte) []byte { copy(b[len(b)-4096:], bytes.Repeat([]byte{0xa5}, 4096)); return b }), tracking.Corrupt, "damaged"},
		"damaged pages":     {change(func(b []byte) []byte { copy(b[5*4096:], bytes.Repeat([]byte{0}, 4*4096)); return b }), tracking.Corrupt, "damaged"},
		"a later version":   {statement("PRAGMA user_version=99"), tracking.TooNew, "99"},
		"another program":   {statement("PRAGMA application_id=7"), tracking.Corrupt, "another program"},
		"a folder":          {func(t *testing.T) string { return t.TempDir() }, tracking.Invalid, "folder"},
		"under a file":      {func(t *testing.T) string { return filepath.Join(write("x")(t), "record.db") }, tracking.Unavailable, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.file(t)
			before, _ := os.ReadFile(f)
			s, err := sqlite.Open(t.Context(), f, sqlite.Options{})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), filepath.Base(f)) {
				t.Errorf("got %v (%s), want %s with %q and the file's name", err, tracking.CodeOf(err), c.code, c.words)
			}
			if after, _ := os.ReadFile(f); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenForeignDatabase(t *testing.T) {
	f := filepath.Join(t.TempDir(), "other.db")
	raw(t, f, "CREATE TABLE runs (x)").Close()
	before, _ := os.ReadFile(f)
	_, err := sqlite.Open(t.Context(), f, sqlite.Options{})
	if !errors.Is(err, tracking.Corrupt) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(f); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

func TestMustExist(t *testing.T) {
	f := filepath.Join(t.TempDir(), "none", "record.db")
	_, err := sqlite.Open(t.Context(), f, sqlite.Options{MustExist: true})
	if !errors.Is(err, tracking.NotFound) || !strings.Contains(err.Error(), f) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Dir(f)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
	open(t, f, sqlite.Options{})
	open(t, f, sqlite.Options{MustExist: true})
}

func TestEmptyFileIsFresh(t *testing.T) {
	f := filepath.Join(t.TempDir(), "record.db")
	if err := os.WriteFile(f, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, f, sqlite.Options{})
	if _, err := s.CreateExperiment(t.Context(), "e"); err != nil {
		t.Error(err)
	}
}

// TestLocked has another writer hold the lock for ever.
func TestLocked(t *testing.T) {
	f := filled(t)
	s := open(t, f, sqlite.Options{BusyTimeout: 20 * time.Millisecond})
	other := raw(t, f, "BEGIN IMMEDIATE")
	_, err := s.CreateExperiment(t.Context(), "x")
	if !errors.Is(err, tracking.Unavailable) || !strings.Contains(err.Error(), f) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v (%s)", err, tracking.CodeOf(err))
	}
	if _, err := s.ListRuns(t.Context(), tracking.RunFilter{}); err != nil {
		t.Errorf("a reader waits for a writer: %v", err)
	}
	if _, err := other.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateExperiment(t.Context(), "x"); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
}

// TestReadableColumns looks at the file as a person with an SQL shell does.
func TestReadableColumns(t *testing.T) {
	f := filled(t)
	db := raw(t, f, "SELECT 1")
	var value float64
	if err := db.QueryRow("SELECT value FROM metrics WHERE step=3").Scan(&value); err != nil || value != 0.25 {
		t.Errorf("value %v, %v", value, err)
	}
}
