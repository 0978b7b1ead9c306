package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

// Open makes an empty store that reads the time from clock; Run closes it.
type Open func(t *testing.T, clock func() time.Time) tracking.Store

// Run tests the store, each part on an empty one.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name string
		test func(*kit)
	}{
		{"Experiments", experiments},
		{"CreateRun", createRun},
		{"CreateRunRefuses", createRunRefuses},
		{"GetRunByPrefix", getRunByPrefix},
		{"ListRuns", listRuns},
		{"UpdateRun", updateRun},
		{"Lineage", lineage},
		{"DeleteRun", deleteRun},
		{"Transitions", transitions},
		{"EndedRunIsSealed", endedRunIsSealed},
		{"MetricsExact", metricsExact},
		{"MetricsNumbering", metricsNumbering},
		{"BatchIsWhole", batchIsWhole},
		{"Events", events},
		{"Predictions", predictions},
		{"Scores", scores},
		{"Artifacts", artifacts},
		{"Leases", leases},
		{"ReapLost", reapLost},
		{"UnknownRun", unknownRun},
		{"Concurrent", concurrent},
		{"Cancelled", cancelled},
		{"Closed", closed},
	} {
		t.Run(part.name, func(t *testing.T) {
			k := &kit{T: t, ctx: t.Context(), clock: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}}
			k.store = open(t, k.clock.Now)
			t.Cleanup(func() {
				if err := k.store.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			part.test(k)
		})
	}
}

// clock stands still until a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type kit struct {
	*testing.T
	ctx   context.Context
	clock *clock
	store tracking.Store
}

func (k *kit) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

// refused wants an error with this code whose message has all of these words.
func (k *kit) refused(err error, code tracking.Code, words ...string) {
	k.Helper()
	if !errors.Is(err, code) {
		k.Fatalf("got error %v (%s), want code %s", err, tracking.CodeOf(err), code)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			k.Errorf("error %q does not name %q", err, w)
		}
	}
}

func (k *kit) experiment(name string) tracking.Experiment {
	k.Helper()
	e, err := k.store.GetOrCreateExperiment(k.ctx, name)
	k.must(err)
	return e
}

// run makes a pending run of method m in an experiment.
func (k *kit) run(m string, parents ...tracking.Parent) tracking.Run {
	k.Helper()
	r, err := k.store.CreateRun(k.ctx, tracking.NewRun{
		Run:     tracking.Run{Experiment: k.experiment("study").ID, Method: m, Task: "capitals", Seed: 7},
		Parents: parents,
	})
	k.must(err)
	return r
}

// started is run that is running under a lease of holder "h" for a minute.
func (k *kit) started(m string) tracking.Run {
	k.Helper()
	r := k.run(m)
	_, err := k.store.Acquire(k.ctx, r.ID, "h", time.Minute)
	k.must(err)
	k.must(k.store.SetStatus(k.ctx, r.ID, tracking.Running, ""))
	return r
}

func (k *kit) status(run string) tracking.Run {
	k.Helper()
	r, err := k.store.GetRun(k.ctx, run)
	k.must(err)
	return r
}

// equal compares floats by their bits and everything else deeply.
func equal[T any](k *kit, what string, got, want T) {
	k.Helper()
	if !reflect.DeepEqual(bitwise(reflect.ValueOf(got)), bitwise(reflect.ValueOf(want))) {
		g, _ := json.MarshalIndent(got, "", " ")
		w, _ := json.MarshalIndent(want, "", " ")
		k.Errorf("%s:\ngot  %s\nwant %s", what, g, w)
	}
}

// bitwise rewrites a value so that DeepEqual sees the bits of its floats.
func bitwise(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Float64:
		return math.Float64bits(v.Float())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return string(v.Bytes())
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = bitwise(v.Index(i))
		}
		return out
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UnixNano()
		}
		out := make([]any, v.NumField())
		for i := range out {
			out[i] = bitwise(v.Field(i))
		}
		return out
	default:
		return v.Interface()
	}
}
