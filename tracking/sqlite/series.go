package sqlite

import (
	"context"
	"slices"

	"github.com/tunelab/tunelab/tracking"
)

// AppendMetrics implements tracking.Store.
func (s *Store) AppendMetrics(ctx context.Context, run string, ms []tracking.Metric) error {
	if err := tracking.ValidateMetrics(ms); err != nil {
		return err
	}
	done := slices.Clone(ms) // the caller's slice changes only when all is written
	err := s.write(ctx, "append metrics", func(q *query) error {
		n, err := q.openRow(run, "metrics")
		if err != nil {
			return err
		}
		next := nextSeq(q, "SELECT coalesce(max(seq),0) FROM metrics WHERE run=?", n)
		for i := range done {
			m := &done[i]
			m.Run = run
			timed := !m.Time.IsZero()
			if !timed {
				m.Time = s.clock()
			}
			m.Time = instant(nanos(m.Time))
			if m.Seq, err = next(m.Seq); err != nil {
				return err
			}
			added, err := q.changed("INSERT INTO metrics (run, seq, name, step, time, value, bits) VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
				n, m.Seq, m.Name, m.Step, nanos(m.Time), readable(m.Value), bits(m.Value))
			if err != nil {
				return err
			}
			if added == 1 {
				continue
			}
			old, err := scanMetric(q.row(metricColumns+"WHERE run=? AND seq=?", n, m.Seq))
			if err != nil {
				return err
			}
			if old.Name != m.Name || old.Step != m.Step || bits(old.Value) != bits(m.Value) || (timed && !old.Time.Equal(m.Time)) {
				return tracking.Errorf(tracking.Conflict, "run %s: metric %d is recorded as %s=%v at step %d and not %s=%v at step %d; metrics are never rewritten, give it the next number",
					run, m.Seq, old.Name, old.Value, old.Step, m.Name, m.Value, m.Step)
			}
			m.Time = old.Time
		}
		return nil
	})
	if err == nil {
		copy(ms, done)
	}
	return err
}

// nextSeq numbers the rows of one request, each of which is written before the
// next is numbered: a given number stays, 0 becomes the one after the greatest.
func nextSeq(q *query, maxOf string, n int64) func(given int64) (int64, error) {
	last := int64(-1) // not read yet
	return func(given int64) (int64, error) {
		if given == 0 && last < 0 {
			if err := q.row(maxOf, n).Scan(&last); err != nil {
				return 0, err
			}
		}
		if given == 0 {
			given = last + 1
		}
		if last >= 0 {
			last = max(last, given)
		}
		return given, nil
	}
}

const metricColumns = "SELECT seq, name, step, time, bits FROM metrics "

func scanMetric(r scanner) (m tracking.Metric, err error) {
	var t, b int64
	err = r.Scan(&m.Seq, &m.Name, &m.Step, &t, &b)
	m.Time, m.Value = instant(t), unbits(b)
	return m, err
}

// Metrics implements tracking.Store.
func (s *Store) Metrics(ctx context.Context, run string, f tracking.MetricFilter) ([]tracking.Metric, error) {
	return perRun(ctx, s, "list metrics", run, func(q *query, n int64) ([]tracking.Metric, error) {
		return list(q, func(r scanner) (tracking.Metric, error) {
			m, err := scanMetric(r)
			m.Run = run
			return m, err
		}, metricColumns+"WHERE run=?1 AND seq>?2 AND (?3='' OR name=?3) ORDER BY seq LIMIT ?4", n, f.After, f.Name, limit(f.Limit))
	})
}

// AppendEvents implements tracking.Store.
func (s *Store) AppendEvents(ctx context.Context, run string, es []tracking.Event) error {
	if err := tracking.ValidateEvents(es); err != nil {
		return err
	}
	done := slices.Clone(es)
	err := s.write(ctx, "append events", func(q *query) error {
		n, status, err := q.rowOf(run)
		if err != nil {
			return err
		}
		for i := range done {
			if status.Ended() && done[i].Kind != tracking.Note {
				return tracking.Errorf(tracking.Conflict, "run %s: has ended (%s) and takes no %s event; only those of kind %q", run, status, done[i].Kind, tracking.Note)
			}
		}
		next := nextSeq(q, "SELECT coalesce(max(seq),0) FROM events WHERE run=?", n)
		for i := range done {
			e := &done[i]
			e.Run = run
			if e.Level == "" {
				e.Level = "info"
			}
			timed := !e.Time.IsZero()
			if !timed {
				e.Time = s.clock()
			}
			e.Time = instant(nanos(e.Time))
			if e.Seq, err = next(e.Seq); err != nil {
				return err
			}
			added, err := q.changed("INSERT INTO events (run, seq, time, kind, level, data) VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING",
				n, e.Seq, nanos(e.Time), e.Kind, e.Level, string(e.Data))
			if err != nil {
				return err
			}
			if added == 1 {
				continue
			}
			old, err := scanEvent(q.row(eventColumns+"WHERE run=? AND seq=?", n, e.Seq))
			if err != nil {
				return err
			}
			if old.Kind != e.Kind || old.Level != e.Level || string(old.Data) != string(e.Data) || (timed && !old.Time.Equal(e.Time)) {
				return tracking.Errorf(tracking.Conflict, "run %s: event %d is recorded as another one (%s %s); events are never rewritten, give it the next number",
					run, e.Seq, old.Level, old.Kind)
			}
			e.Time = old.Time
		}
		return nil
	})
	if err == nil {
		copy(es, done)
	}
	return err
}

const eventColumns = "SELECT seq, time, kind, level, data FROM events "

func scanEvent(r scanner) (e tracking.Event, err error) {
	var t int64
	var data string
	err = r.Scan(&e.Seq, &t, &e.Kind, &e.Level, &data)
	e.Time, e.Data = instant(t), raw(data)
	return e, err
}

// Events implements tracking.Store.
func (s *Store) Events(ctx context.Context, run string, f tracking.EventFilter) ([]tracking.Event, error) {
	return perRun(ctx, s, "list events", run, func(q *query, n int64) ([]tracking.Event, error) {
		return list(q, func(r scanner) (tracking.Event, error) {
			e, err := scanEvent(r)
			e.Run = run
			return e, err
		}, eventColumns+"WHERE run=?1 AND seq>?2 AND (?3='' OR kind=?3) AND (?4='' OR level=?4) ORDER BY seq LIMIT ?5",
			n, f.After, f.Kind, f.Level, limit(f.Limit))
	})
}
