package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

func unknownRun(k *kit) {
	const id = "nosuchrun"
	k.run("icl")
	s, ctx := k.store, k.ctx
	for name, call := range map[string]func() error{
		"UpdateRun":      func() error { return s.UpdateRun(ctx, id, tracking.RunUpdate{}) },
		"SetStatus":      func() error { return s.SetStatus(ctx, id, tracking.Failed, "") },
		"DeleteRun":      func() error { return s.DeleteRun(ctx, id) },
		"AppendMetrics":  func() error { return s.AppendMetrics(ctx, id, []tracking.Metric{{Name: "a"}}) },
		"AppendEvents":   func() error { return s.AppendEvents(ctx, id, []tracking.Event{{Kind: "a"}}) },
		"PutPredictions": func() error { return s.PutPredictions(ctx, id, nil) },
		"PutScores":      func() error { return s.PutScores(ctx, id, nil) },
		"PutArtifacts":   func() error { return s.PutArtifacts(ctx, id, nil) },
		"Acquire":        func() error { _, err := s.Acquire(ctx, id, "h", time.Second); return err },
		"Renew":          func() error { _, err := s.Renew(ctx, id, "h", time.Second); return err },
		"Release":        func() error { return s.Release(ctx, id, "h") },
		"GetLease":       func() error { _, err := s.GetLease(ctx, id); return err },
		"GetRun":         func() error { _, err := s.GetRun(ctx, id); return err },
		"Params":         func() error { _, err := s.Params(ctx, id); return err },
		"Parents":        func() error { _, err := s.Parents(ctx, id); return err },
		"Children":       func() error { _, err := s.Children(ctx, id); return err },
		"Metrics":        func() error { _, err := s.Metrics(ctx, id, tracking.MetricFilter{}); return err },
		"Events":         func() error { _, err := s.Events(ctx, id, tracking.EventFilter{}); return err },
		"Predictions":    func() error { _, err := s.Predictions(ctx, id, tracking.PredictionFilter{}); return err },
		"Scores":         func() error { _, err := s.Scores(ctx, id); return err },
		"Artifacts":      func() error { _, err := s.Artifacts(ctx, id, ""); return err },
	} {
		if err := call(); !errors.Is(err, tracking.NotFound) {
			k.Errorf("%s of an unknown run: %v, want NotFound", name, err)
		}
	}
}

// concurrent has many writers append to one run, some of them wrongly, while
// readers look: every good batch is there whole, and none of the bad ones.
func concurrent(k *kit) {
	const writers, batches, size = 8, 20, 5
	r := k.run("lora")
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				var ms []tracking.Metric
				for range size {
					ms = append(ms, tracking.Metric{Name: fmt.Sprint("w", w), Step: int64(b)})
				}
				if err := k.store.AppendMetrics(k.ctx, r.ID, ms); err != nil {
					k.Errorf("writer %d: %v", w, err)
				}
				for i := 1; i < size; i++ {
					if ms[i].Seq != ms[0].Seq+int64(i) {
						k.Errorf("writer %d: batch %d has the numbers %d and %d apart", w, b, ms[0].Seq, ms[i].Seq)
					}
				}
				bad := []tracking.Metric{{Name: "bad"}, {Seq: ms[0].Seq, Name: "bad"}}
				if err := k.store.AppendMetrics(k.ctx, r.ID, bad); !errors.Is(err, tracking.Conflict) {
					k.Errorf("writer %d: a conflicting batch gave %v", w, err)
				}
				got, err := k.store.Metrics(k.ctx, r.ID, tracking.MetricFilter{Name: fmt.Sprint("w", w)})
				if err != nil || len(got) != (b+1)*size {
					k.Errorf("writer %d does not read what it wrote: %d metrics, %v", w, len(got), err)
				}
			}
		})
	}
	wg.Wait()
	got, err := k.store.Metrics(k.ctx, r.ID, tracking.MetricFilter{})
	k.must(err)
	equal(k, "metrics", len(got), writers*batches*size)
	for i, m := range got {
		if m.Seq != int64(i)+1 {
			k.Fatalf("metric %d has number %d", i, m.Seq)
		}
	}
}

func cancelled(k *kit) {
	r := k.run("lora")
	ctx, cancel := context.WithCancel(k.ctx)
	cancel()
	if err := k.store.AppendMetrics(ctx, r.ID, []tracking.Metric{{Name: "a"}}); !errors.Is(err, context.Canceled) {
		k.Errorf("AppendMetrics: %v, want context.Canceled", err)
	}
	if _, err := k.store.Metrics(ctx, r.ID, tracking.MetricFilter{}); !errors.Is(err, context.Canceled) {
		k.Errorf("Metrics: %v, want context.Canceled", err)
	}
	got, err := k.store.Metrics(k.ctx, r.ID, tracking.MetricFilter{})
	k.must(err)
	equal(k, "metrics", len(got), 0)
}

func closed(k *kit) {
	r := k.run("lora")
	k.must(k.store.Close())
	k.must(k.store.Close())
	k.refused(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Name: "a"}}), tracking.Unavailable, "closed")
	_, err := k.store.GetRun(k.ctx, r.ID)
	k.refused(err, tracking.Unavailable, "closed")
}
