package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/tunelab/tunelab/tracking"
)

// held opens a store whose commit loop waits inside a job until release, and
// counts its commits.
func held(t *testing.T) (s *Store, run string, commits *int, release func()) {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "record.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	commits = new(int)
	if err := s.conn.Raw(func(c any) error {
		c.(*sqlite3.SQLiteConn).RegisterCommitHook(func() int { *commits++; return 0 })
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	e, err := s.CreateExperiment(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.CreateRun(t.Context(), tracking.NewRun{Run: tracking.Run{Experiment: e.ID, Method: "m"}})
	if err != nil {
		t.Fatal(err)
	}
	*commits = 0
	inside, gate := make(chan bool), make(chan bool)
	done := make(chan error, 1)
	go func() {
		done <- s.write(context.Background(), "wait", func(q *query) error {
			close(inside)
			<-gate
			return q.exec("UPDATE runs SET name='held'")
		})
	}()
	<-inside
	return s, r.ID, commits, func() {
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestGroupCommit has many requests arrive during one commit: they share the
// next, and one that fails takes nothing else with it.
func TestGroupCommit(t *testing.T) {
	const requests = 50
	s, run, commits, release := held(t)
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			ms := []tracking.Metric{{Name: "a"}, {Name: "b"}}
			if i%10 == 0 {
				err := s.AppendMetrics(t.Context(), "none", ms)
				if !errors.Is(err, tracking.NotFound) {
					t.Errorf("unknown run: %v", err)
				}
				return
			}
			if err := s.AppendMetrics(t.Context(), run, ms); err != nil {
				t.Error(err)
			}
		})
	}
	for len(s.jobs) < requests {
		runtime.Gosched()
	}
	release()
	wg.Wait()
	if *commits != 2 {
		t.Errorf("%d commits, want 2: the held one and one for all others", *commits)
	}
	ms, err := s.Metrics(t.Context(), run, tracking.MetricFilter{})
	if err != nil || len(ms) != 2*requests*9/10 {
		t.Errorf("%d metrics, %v", len(ms), err)
	}
}

// TestCancelWaiting gives up on a request that the commit loop has not taken:
// the caller is free at once, and nothing is written later.
func TestCancelWaiting(t *testing.T) {
	s, run, _, release := held(t)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() { answer <- s.AppendMetrics(ctx, run, []tracking.Metric{{Name: "a"}}) }()
	for len(s.jobs) < 1 {
		runtime.Gosched()
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if err := s.AppendEvents(t.Context(), run, []tracking.Event{{Kind: "after"}}); err != nil {
		t.Error(err)
	}
	ms, err := s.Metrics(t.Context(), run, tracking.MetricFilter{})
	if err != nil || len(ms) != 0 {
		t.Errorf("%d metrics, %v", len(ms), err)
	}
}

// TestCloseAnswersAll closes while requests wait.
func TestCloseAnswersAll(t *testing.T) {
	s, run, _, release := held(t)
	answers := make(chan error)
	for range 10 {
		go func() { answers <- s.AppendMetrics(context.Background(), run, []tracking.Metric{{Name: "a"}}) }()
	}
	for len(s.jobs) < 10 {
		runtime.Gosched()
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	release()
	for range 10 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestLostTransaction has SQLite throw the whole transaction away under one
// request: every request of the group hears of it, and the store goes on.
func TestLostTransaction(t *testing.T) {
	s, run, _, release := held(t)
	answers := make(chan error)
	send := func(do func() error) {
		n := len(s.jobs)
		go func() { answers <- do() }()
		for len(s.jobs) == n {
			runtime.Gosched()
		}
	}
	send(func() error { return s.AppendMetrics(context.Background(), run, []tracking.Metric{{Name: "a"}}) })
	send(func() error {
		return s.write(context.Background(), "break", func(q *query) error {
			q.exec("ROLLBACK")
			return errors.New("disk on fire")
		})
	})
	release()
	for range 2 {
		if err := <-answers; err == nil || !strings.Contains(err.Error(), "disk on fire") {
			t.Errorf("got %v", err)
		}
	}
	if err := s.AppendMetrics(t.Context(), run, []tracking.Metric{{Name: "b"}}); err != nil {
		t.Error(err)
	}
	ms, err := s.Metrics(t.Context(), run, tracking.MetricFilter{})
	if err != nil || len(ms) != 1 || ms[0].Name != "b" {
		t.Errorf("%v, %v", ms, err)
	}
}

// TestSettings asks the writing connection what it is set to.
func TestSettings(t *testing.T) {
	s, _, _, release := held(t)
	release()
	if err := s.write(t.Context(), "look", func(q *query) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "fullfsync": "1", "busy_timeout": "30000"} {
			var got string
			if err := q.row("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %q, want %q (%v)", pragma, got, want, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := s.read(t.Context(), "look", func(q *query) error { return q.exec("DELETE FROM runs") }); err == nil {
		t.Error("a reader deleted rows")
	}
}

// TestMigrate applies migrations one after the other, keeps the rows, and
// leaves the file as it was when one fails.
func TestMigrate(t *testing.T) {
	ctx := t.Context()
	db, err := sql.Open("sqlite3", dsn(filepath.Join(t.TempDir(), "record.db"), 1, false))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all := []migration{
		{"1", "CREATE TABLE a (x); INSERT INTO a VALUES (1)"},
		{"2", "ALTER TABLE a ADD COLUMN y; UPDATE a SET y=x+1"},
		{"3", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)"},
	}
	for _, n := range []int{1, 2, 2} {
		if err := migrate(ctx, c, "f", all[:n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrate(ctx, c, "f", all); err == nil || !strings.Contains(err.Error(), "migrations/3") {
		t.Errorf("a broken migration gave %v", err)
	}
	if err := migrate(ctx, c, "f", all[:1]); !errors.Is(err, tracking.TooNew) {
		t.Errorf("an older program gave %v", err)
	}
	h, err := readHeader(ctx, c)
	if want := (header{applicationID, 2, 1}); err != nil || h != want {
		t.Errorf("header %+v, want %+v, %v", h, want, err)
	}
	var got string
	if err := c.QueryRowContext(ctx, "SELECT x||','||y FROM a").Scan(&got); err != nil || got != "1,2" {
		t.Errorf("rows %q, %v", got, err)
	}
	if _, err := embedded(); err != nil {
		t.Error(err)
	}
}
