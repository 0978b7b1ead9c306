package tracking_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

// TestNumbersInJSON sends every kind of float through JSON and back.
func TestNumbersInJSON(t *testing.T) {
	yes := true
	for _, v := range []float64{0, math.Copysign(0, -1), 0.1, 1e-320, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1)} {
		m := tracking.Metric{Run: "r", Seq: 1, Name: "loss", Step: -3, Time: time.Unix(1, 2).UTC(), Value: v}
		p := tracking.Prediction{Run: "r", Task: "t", Split: "test", ItemID: "1", Mode: "labels", Output: json.RawMessage(`[1]`), Score: v, Correct: &yes}
		s := tracking.Score{Run: "r", Task: "t", Metric: "f1", Value: v, N: 3, StdErr: -v}
		if got := again(t, m); math.Float64bits(got.Value) != math.Float64bits(v) || got.Name != "loss" || got.Step != -3 || !got.Time.Equal(m.Time) {
			t.Errorf("metric %v came back as %+v", v, got)
		}
		if got := again(t, p); math.Float64bits(got.Score) != math.Float64bits(v) || got.ItemID != "1" || !*got.Correct || string(got.Output) != "[1]" {
			t.Errorf("prediction %v came back as %+v", v, got)
		}
		if got := again(t, s); math.Float64bits(got.Value) != math.Float64bits(v) || got.N != 3 || (got.StdErr != -v && !math.IsNaN(v)) {
			t.Errorf("score %v came back as %+v", v, got)
		}
	}
	for _, bad := range []string{`{"value":"high"}`, `{"value":true}`, `{"value":1e999}`} {
		if err := json.Unmarshal([]byte(bad), new(tracking.Metric)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// again is v through JSON, which must have one "value" or "score".
func again[T any](t *testing.T, v T) (back T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), `"value"`) + strings.Count(string(b), `"score"`); n != 1 {
		t.Errorf("%s has %d values", b, n)
	}
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestIDs(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var ids []string
	for i := range 2000 {
		id := tracking.NewID(start.Add(time.Duration(i) * time.Millisecond))
		if len(id) != tracking.IDLen || strings.Trim(id, "0123456789abcdefghjkmnpqrstvwxyz") != "" {
			t.Fatalf("id %q", id)
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Error("ids do not sort by time")
	}
	seen := map[string]bool{}
	for range 2000 {
		seen[tracking.NewID(start)] = true
	}
	if len(seen) < 1999 { // 2000 of 2^35: one collision in some 17,000 tries of this
		t.Errorf("%d different ids of 2000 in one millisecond", len(seen))
	}
	if a, b := tracking.NewID(start), tracking.NewID(start.AddDate(900, 0, 0)); a >= b {
		t.Errorf("id %s of 2026 is not before %s of 2926", a, b)
	}
}

func TestStatus(t *testing.T) {
	var moves []string
	for _, from := range append(tracking.Statuses(), "done") {
		for _, to := range append(tracking.Statuses(), "done") {
			if from.CanBecome(to) {
				moves = append(moves, fmt.Sprintf("%s-%s", from, to))
			}
		}
	}
	want := "pending-running pending-failed pending-stopped pending-crashed pending-lost " +
		"running-finished running-failed running-stopped running-crashed running-lost"
	if got := strings.Join(moves, " "); got != want {
		t.Errorf("moves %s\nwant %s", got, want)
	}
}

func TestErrors(t *testing.T) {
	err := fmt.Errorf("start: %w", tracking.Errorf(tracking.Unavailable, "open %s: %w", "f.db", fs.ErrPermission))
	if !errors.Is(err, tracking.Unavailable) || errors.Is(err, tracking.NotFound) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v does not tell its code and cause", err)
	}
	if want := "start: open f.db: permission denied"; err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
	for err, want := range map[error]tracking.Code{nil: "", fs.ErrExist: tracking.Internal, err: tracking.Unavailable} {
		if got := tracking.CodeOf(err); got != want {
			t.Errorf("code of %v: %q, want %q", err, got, want)
		}
	}
}
