package sqlite

import (
	"context"
	"database/sql"

	"github.com/tunelab/tunelab/tracking"
)

// PutPredictions implements tracking.Store.
func (s *Store) PutPredictions(ctx context.Context, run string, ps []tracking.Prediction) error {
	if err := tracking.ValidatePredictions(ps); err != nil {
		return err
	}
	return s.write(ctx, "put predictions", func(q *query) error {
		n, err := q.openRow(run, "predictions")
		if err != nil {
			return err
		}
		for _, p := range ps {
			added, err := q.changed(`INSERT INTO predictions (run, task, split, mode, item_id, item_hash, output, score, score_bits, correct, overlap, detail)
				VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
				n, p.Task, p.Split, p.Mode, p.ItemID, p.ItemHash, string(p.Output), readable(p.Score), bits(p.Score), p.Correct, p.Overlap, string(p.Detail))
			if err != nil {
				return err
			}
			if added == 1 {
				continue
			}
			old, err := scanPrediction(q.row(predictionColumns+"WHERE run=? AND task=? AND split=? AND mode=? AND item_id=?", n, p.Task, p.Split, p.Mode, p.ItemID))
			if err != nil {
				return err
			}
			if !samePrediction(old, p) {
				return tracking.Errorf(tracking.Conflict, "run %s: the prediction for %s/%s item %q (%s) is recorded with another content; predictions are never rewritten, start a new run",
					run, p.Task, p.Split, p.ItemID, p.Mode)
			}
		}
		return nil
	})
}

func samePrediction(a, b tracking.Prediction) bool {
	sameCorrect := (a.Correct == nil) == (b.Correct == nil) && (a.Correct == nil || *a.Correct == *b.Correct)
	return sameCorrect && a.ItemHash == b.ItemHash && string(a.Output) == string(b.Output) &&
		bits(a.Score) == bits(b.Score) && a.Overlap == b.Overlap && string(a.Detail) == string(b.Detail)
}

const predictionColumns = "SELECT task, split, mode, item_id, item_hash, output, score_bits, correct, overlap, detail FROM predictions "

func scanPrediction(r scanner) (p tracking.Prediction, err error) {
	var output, detail string
	var score int64
	var correct sql.NullBool
	err = r.Scan(&p.Task, &p.Split, &p.Mode, &p.ItemID, &p.ItemHash, &output, &score, &correct, &p.Overlap, &detail)
	p.Output, p.Detail, p.Score = raw(output), raw(detail), unbits(score)
	if correct.Valid {
		p.Correct = &correct.Bool
	}
	return p, err
}

// Predictions implements tracking.Store.
func (s *Store) Predictions(ctx context.Context, run string, f tracking.PredictionFilter) ([]tracking.Prediction, error) {
	return perRun(ctx, s, "list predictions", run, func(q *query, n int64) ([]tracking.Prediction, error) {
		return list(q, func(r scanner) (tracking.Prediction, error) {
			p, err := scanPrediction(r)
			p.Run = run
			return p, err
		}, predictionColumns+"WHERE run=?1 AND (?2='' OR task=?2) AND (?3='' OR split=?3) AND (?4='' OR mode=?4) ORDER BY n", n, f.Task, f.Split, f.Mode)
	})
}

// PutScores implements tracking.Store.
func (s *Store) PutScores(ctx context.Context, run string, ss []tracking.Score) error {
	if err := tracking.ValidateScores(ss); err != nil {
		return err
	}
	return s.write(ctx, "put scores", func(q *query) error {
		n, err := q.openRow(run, "scores")
		if err != nil {
			return err
		}
		for _, c := range ss {
			added, err := q.changed(`INSERT INTO scores (run, task, split, metric, value, value_bits, items, std_err, std_err_bits, detail)
				VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
				n, c.Task, c.Split, c.Metric, readable(c.Value), bits(c.Value), c.N, readable(c.StdErr), bits(c.StdErr), string(c.Detail))
			if err != nil {
				return err
			}
			if added == 1 {
				continue
			}
			old, err := scanScore(q.row(scoreColumns+"WHERE run=? AND task=? AND split=? AND metric=?", n, c.Task, c.Split, c.Metric))
			if err != nil {
				return err
			}
			if bits(old.Value) != bits(c.Value) || old.N != c.N || bits(old.StdErr) != bits(c.StdErr) || string(old.Detail) != string(c.Detail) {
				return tracking.Errorf(tracking.Conflict, "run %s: the score %s/%s %s is recorded as %v over %d items and not %v over %d; scores are never rewritten, start a new run",
					run, c.Task, c.Split, c.Metric, old.Value, old.N, c.Value, c.N)
			}
		}
		return nil
	})
}

const scoreColumns = "SELECT task, split, metric, value_bits, items, std_err_bits, detail FROM scores "

func scanScore(r scanner) (c tracking.Score, err error) {
	var value, stdErr int64
	var detail string
	err = r.Scan(&c.Task, &c.Split, &c.Metric, &value, &c.N, &stdErr, &detail)
	c.Value, c.StdErr, c.Detail = unbits(value), unbits(stdErr), raw(detail)
	return c, err
}

// Scores implements tracking.Store.
func (s *Store) Scores(ctx context.Context, run string) ([]tracking.Score, error) {
	return perRun(ctx, s, "list scores", run, func(q *query, n int64) ([]tracking.Score, error) {
		return list(q, func(r scanner) (tracking.Score, error) {
			c, err := scanScore(r)
			c.Run = run
			return c, err
		}, scoreColumns+"WHERE run=? ORDER BY task, split, metric", n)
	})
}

// PutArtifacts implements tracking.Store.
func (s *Store) PutArtifacts(ctx context.Context, run string, as []tracking.ArtifactRef) error {
	if err := tracking.ValidateArtifacts(as); err != nil {
		return err
	}
	return s.write(ctx, "put artifacts", func(q *query) error {
		n, err := q.openRow(run, "artifacts")
		if err != nil {
			return err
		}
		for _, a := range as {
			if err := q.exec(`INSERT INTO artifacts (run, direction, path, kind, sha256, size) VALUES (?1,?2,?3,?4,?5,?6)
				ON CONFLICT DO UPDATE SET kind=?4, sha256=?5, size=?6`, n, a.Direction, a.Path, a.Kind, a.SHA256, a.Size); err != nil {
				return err
			}
		}
		return nil
	})
}

// Artifacts implements tracking.Store.
func (s *Store) Artifacts(ctx context.Context, run string, d tracking.Direction) ([]tracking.ArtifactRef, error) {
	return perRun(ctx, s, "list artifacts", run, func(q *query, n int64) ([]tracking.ArtifactRef, error) {
		return list(q, func(r scanner) (a tracking.ArtifactRef, err error) {
			a.Run = run
			return a, r.Scan(&a.Direction, &a.Path, &a.Kind, &a.SHA256, &a.Size)
		}, "SELECT direction, path, kind, sha256, size FROM artifacts WHERE run=?1 AND (?2='' OR direction=?2) ORDER BY direction, path", n, d)
	})
}

// ReferencedHashes implements tracking.Store.
func (s *Store) ReferencedHashes(ctx context.Context) (hashes []string, err error) {
	err = s.read(ctx, "list referenced hashes", func(q *query) error {
		hashes, err = list(q, func(r scanner) (h string, err error) { return h, r.Scan(&h) },
			"SELECT DISTINCT sha256 FROM artifacts ORDER BY sha256")
		return err
	})
	return hashes, err
}
