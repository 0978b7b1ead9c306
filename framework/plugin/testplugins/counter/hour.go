package main

import (
	"fmt"
	"path/filepath"
	"runtime"
)

// What a long run sends besides metrics, for each so many events: at 20 events a
// second, a log line and a sample every ten seconds and a checkpoint a minute.
const (
	eventsPerLine       = 200
	eventsPerCheckpoint = 1200
)

// hour sends what a long run sends, without the time between, and at each tenth
// the metric "plugin/heap": bytes in use in this process after a collection.
func hour(f *fault) error {
	n := f.in.Params.Int("events")
	for i := 1; i <= n; i++ {
		switch {
		case i%eventsPerCheckpoint == 0:
			dir := filepath.Join(f.in.WorkDir, "checkpoints", "hour")
			if err := writeJSON(filepath.Join(dir, "state.json"), state{Step: i}); err != nil {
				return err
			}
			if err := f.out.Checkpoint(int64(i), dir); err != nil {
				return err
			}
		case i%eventsPerLine == 0:
			f.out.Log("info", fmt.Sprintf("event %d: all is well", i))
		case i%eventsPerLine == eventsPerLine/2:
			f.out.Sample(int64(i), "validation-1", "Say something", fmt.Sprintf("something for the %dth time", i))
		default:
			f.out.Metric("train/loss", int64(i), 1/float64(i))
		}
		f.out.Progress(int64(i), int64(n), "train")
		if i%(n/10) == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			f.out.Metric("plugin/heap", int64(i), float64(m.HeapAlloc))
		}
	}
	return nil
}
