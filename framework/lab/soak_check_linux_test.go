package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/tunelab/tunelab/tracking"
)

// natural is how a run ends that the blow missed.
func natural(phase string) tracking.Status {
	if phase == inStop {
		return tracking.Stopped
	}
	return tracking.Finished
}

// untrue says what is wrong with an end state; raw is the row before the record
// was opened again.
func untrue(blow, phase string, raw, row tracking.Run) string {
	switch {
	case raw.Status.Ended() && (row.Status != raw.Status || row.Reason != raw.Reason):
		return fmt.Sprintf("and had ended %s (%s)", raw.Status, raw.Reason)
	case row.Status == natural(phase) && raw.Status.Ended(): // it was not struck, or recovered
		return ""
	case blow == hostKilled || blow == bothKilled: // by which its host may have seen the plugin's end
		if row.Status == tracking.Lost || blow == bothKilled && raw.Status == tracking.Crashed {
			return ""
		}
		return "its host was killed"
	case blow == hostStopped && row.Status != tracking.Lost:
		return "its host was stopped past its lease"
	case blow == pluginKilled && (row.Status != tracking.Crashed || !strings.Contains(row.Reason, "signal: killed")):
		return "its plugin was killed"
	case blow == pluginStopped && (row.Status != tracking.Crashed || !strings.Contains(row.Reason, "hung")):
		return "its plugin was stopped"
	}
	return ""
}

// holdings is all that the record has of a run.
type holdings struct {
	Run                                             tracking.Run
	Metrics, Events, Predictions, Scores, Artifacts int
}

func (h holdings) String() string {
	return fmt.Sprintf("%s, %d metrics, %d events, %d predictions, %d scores, %d artifacts, a log of %d bytes", h.Run.Status, h.Metrics, h.Events, h.Predictions, h.Scores, h.Artifacts, len(h.Run.LogTail))
}

func (s *soak) holdings(store tracking.Store, id string) holdings {
	s.Helper()
	ctx := s.Context()
	row, err := store.GetRun(ctx, id)
	ms, err1 := store.Metrics(ctx, id, tracking.MetricFilter{})
	es, err2 := store.Events(ctx, id, tracking.EventFilter{})
	ps, err3 := store.Predictions(ctx, id, tracking.PredictionFilter{})
	ss, err4 := store.Scores(ctx, id)
	as, err5 := store.Artifacts(ctx, id, "")
	for _, err := range []error{err, err1, err2, err3, err4, err5} {
		if err != nil {
			s.Fatal(err)
		}
	}
	return holdings{row, len(ms), len(es), len(ps), len(ss), len(as)}
}

// acknowledged checks that everything is there that the store had acknowledged
// to the host, and that it is what an uninterrupted run has there.
func (s *soak) acknowledged(b *bench, id string, c *child, work string, fail func(string, ...any)) {
	h := s.holdings(b.Store, id)
	for kind, n := range map[string]int{"metrics": h.Metrics, "events": h.Events, "predictions": h.Predictions, "scores": h.Scores} {
		if n < c.acks[kind] {
			fail("run %s has %d %s of %d acknowledged", id, n, kind, c.acks[kind])
		}
	}
	if work != "" {
		want := b.metrics(s.whole[work])
		for i, m := range b.metrics(id) {
			if i >= len(want) || m.Name != want[i].Name || m.Step != want[i].Step || math.Float64bits(m.Value) != math.Float64bits(want[i].Value) {
				fail("run %s: metric %d is %+v", id, i, m)
				break
			}
		}
	}
	refs, err := b.Store.Artifacts(s.Context(), id, tracking.Out)
	if err != nil {
		s.Fatal(err)
	}
	saved := 0
	for _, a := range refs {
		if err := b.Artifacts.Verify(s.Context(), a.SHA256); err != nil {
			fail("run %s: %s: %v", id, a.Path, err)
			continue
		}
		if a.Path == "checkpoint/.saved.json" {
			var at struct{ Step int }
			f, err := b.Artifacts.Open(a.SHA256)
			if err != nil {
				s.Fatal(err)
			}
			raw, err := io.ReadAll(f)
			f.Close()
			if err != nil || json.Unmarshal(raw, &at) != nil {
				fail("run %s: its checkpoint says %q, %v", id, raw, err)
			}
			saved = at.Step
		}
	}
	if saved < c.saved {
		fail("run %s: the checkpoint of step %d was acknowledged, and that of step %d is there", id, c.saved, saved)
	}
}
