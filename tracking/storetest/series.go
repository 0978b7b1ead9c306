package storetest

import (
	"encoding/json"
	"math"
	"time"

	"github.com/tunelab/tunelab/tracking"
)

func metricsExact(k *kit) {
	r := k.run("lora")
	values := []float64{0, math.Copysign(0, -1), 0.1, -1e-320, math.SmallestNonzeroFloat64, math.MaxFloat64, 1 << 53, 3,
		math.NaN(), math.Float64frombits(0xfff8_0000_dead_beef), math.Inf(1), math.Inf(-1)}
	var ms []tracking.Metric
	for i, v := range values {
		ms = append(ms, tracking.Metric{Name: "train/loss", Step: int64(i) - 2, Time: k.clock.Now().Add(time.Duration(i)), Value: v})
	}
	k.must(k.store.AppendMetrics(k.ctx, r.ID, ms))
	got, err := k.store.Metrics(k.ctx, r.ID, tracking.MetricFilter{})
	k.must(err)
	var want []tracking.Metric
	for i, v := range values {
		want = append(want, tracking.Metric{Run: r.ID, Seq: int64(i) + 1, Name: "train/loss", Step: int64(i) - 2, Time: k.clock.Now().Add(time.Duration(i)), Value: v})
	}
	equal(k, "stored", got, want)
	equal(k, "filled in", ms, want)
}

func metricsNumbering(k *kit) {
	r := k.run("lora")
	k.must(k.store.AppendMetrics(k.ctx, r.ID, nil))
	five := []tracking.Metric{{Seq: 5, Name: "a", Value: math.NaN()}}
	k.must(k.store.AppendMetrics(k.ctx, r.ID, five))
	equal(k, "time by the store's clock", five[0].Time, k.clock.Now())
	mixed := []tracking.Metric{{Name: "b"}, {Seq: 9, Name: "a"}, {Name: "a"}, {Seq: 2, Name: "a"}, {Name: "b"}}
	k.must(k.store.AppendMetrics(k.ctx, r.ID, mixed))
	var seqs []int64
	for _, m := range mixed {
		seqs = append(seqs, m.Seq)
	}
	equal(k, "numbers", seqs, []int64{6, 9, 10, 2, 11})

	k.clock.advance(time.Hour)
	k.must(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Seq: 5, Name: "a", Value: math.NaN()}})) // a retry
	k.refused(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Seq: 5, Name: "a", Value: 1}}), tracking.Conflict, "metric 5", r.ID)
	k.refused(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Seq: 5, Name: "a", Value: math.NaN(), Step: 1}}), tracking.Conflict)

	for _, c := range []struct {
		f    tracking.MetricFilter
		want []int64
	}{
		{tracking.MetricFilter{}, []int64{2, 5, 6, 9, 10, 11}},
		{tracking.MetricFilter{Name: "b"}, []int64{6, 11}},
		{tracking.MetricFilter{After: 6}, []int64{9, 10, 11}},
		{tracking.MetricFilter{Name: "a", After: 2, Limit: 2}, []int64{5, 9}},
		{tracking.MetricFilter{Name: "none"}, nil},
	} {
		got, err := k.store.Metrics(k.ctx, r.ID, c.f)
		k.must(err)
		var seqs []int64
		for _, m := range got {
			seqs = append(seqs, m.Seq)
		}
		equal(k, "filtered", seqs, c.want)
	}
}

func batchIsWhole(k *kit) {
	r := k.run("lora")
	k.must(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Seq: 3, Name: "a", Value: 1}}))
	bad := []tracking.Metric{{Seq: 1, Name: "a"}, {Name: "a"}, {Seq: 3, Name: "a", Value: 2}}
	k.refused(k.store.AppendMetrics(k.ctx, r.ID, bad), tracking.Conflict)
	equal(k, "the caller's batch", bad[1].Seq, 0)
	k.refused(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Name: "a"}, {Name: ""}}), tracking.Invalid, "metrics[1].name")
	k.refused(k.store.AppendMetrics(k.ctx, r.ID, []tracking.Metric{{Seq: -1, Name: "a"}}), tracking.Invalid, "metrics[0].seq")
	got, err := k.store.Metrics(k.ctx, r.ID, tracking.MetricFilter{})
	k.must(err)
	equal(k, "metrics after refused batches", len(got), 1)
}

func events(k *kit) {
	r := k.run("lora")
	es := []tracking.Event{{Kind: "sample", Data: json.RawMessage(`{"text": "<é>\u0000"}`)}, {Kind: "log", Level: "warn", Time: k.clock.Now().Add(-time.Hour)}}
	k.must(k.store.AppendEvents(k.ctx, r.ID, es))
	want := []tracking.Event{
		{Run: r.ID, Seq: 1, Time: k.clock.Now(), Kind: "sample", Level: "info", Data: json.RawMessage(`{"text": "<é>\u0000"}`)},
		{Run: r.ID, Seq: 2, Time: k.clock.Now().Add(-time.Hour), Kind: "log", Level: "warn"},
	}
	equal(k, "filled in", es, want)
	k.clock.advance(time.Minute)
	k.must(k.store.AppendEvents(k.ctx, r.ID, []tracking.Event{{Seq: 2, Kind: "log", Level: "warn"}}))
	k.refused(k.store.AppendEvents(k.ctx, r.ID, []tracking.Event{{Seq: 2, Kind: "log", Level: "error"}}), tracking.Conflict, "event 2")
	k.refused(k.store.AppendEvents(k.ctx, r.ID, []tracking.Event{{Kind: "log", Level: "loud"}}), tracking.Invalid, "events[0].level")
	k.refused(k.store.AppendEvents(k.ctx, r.ID, []tracking.Event{{Kind: "log", Data: json.RawMessage("{")}}), tracking.Invalid, "events[0].data")
	for _, c := range []struct {
		f    tracking.EventFilter
		want []tracking.Event
	}{
		{tracking.EventFilter{}, want}, {tracking.EventFilter{Kind: "log"}, want[1:]}, {tracking.EventFilter{Level: "info"}, want[:1]},
		{tracking.EventFilter{After: 1}, want[1:]}, {tracking.EventFilter{Limit: 1}, want[:1]},
	} {
		got, err := k.store.Events(k.ctx, r.ID, c.f)
		k.must(err)
		equal(k, "events", got, c.want)
	}
}
