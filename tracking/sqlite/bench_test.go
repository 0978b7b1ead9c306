package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tunelab/tunelab/tracking"
	"github.com/tunelab/tunelab/tracking/sqlite"
)

// BenchmarkAppendMetrics measures acknowledged metrics, a durable commit behind
// each answer, by the number of writers and the size of their batches.
func BenchmarkAppendMetrics(b *testing.B) {
	for _, c := range []struct{ writers, batch int }{{1, 1}, {1, 100}, {16, 1}, {16, 100}} {
		b.Run(fmt.Sprintf("writers=%d/batch=%d", c.writers, c.batch), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "record.db"), sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			e, err := s.CreateExperiment(b.Context(), "e")
			if err != nil {
				b.Fatal(err)
			}
			r, err := s.CreateRun(b.Context(), tracking.NewRun{Run: tracking.Run{Experiment: e.ID, Method: "m"}})
			if err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range c.writers {
				wg.Go(func() {
					for i := w; i < b.N; i += c.writers {
						ms := losses(c.batch)
						if err := s.AppendMetrics(b.Context(), r.ID, ms); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N*c.batch)/b.Elapsed().Seconds(), "metrics/s")
		})
	}
}
