package lab

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/tracking"
)

// What the stream from a plugin to the disk must bear.
const (
	leastMetrics = 20_000    // a second, durable
	mostGrowth   = 512 << 10 // bytes of heap, in an hour of events
	hourOfEvents = 72_000    // 20 a second
)

// timing is a store that notes when the first metrics came and the last were
// durable.
type timing struct {
	tracking.Store
	first, last time.Time
	n, commits  int
}

func (s *timing) AppendMetrics(ctx context.Context, id string, ms []tracking.Metric) error {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	err := s.Store.AppendMetrics(ctx, id, ms)
	s.last = time.Now()
	s.n += len(ms)
	s.commits++
	return err
}

// BenchmarkStream measures metrics from a plugin's process through the host to
// the disk, a durable commit behind every batch, and the CPU time of both
// processes for one.
func BenchmarkStream(b *testing.B) {
	const metrics = 200_000
	for b.Loop() {
		l := newBench(b)
		s := &timing{Store: l.Store}
		l.Store, l.runner.Store = s, s
		before := cpuTime(b)
		l.run(map[string]any{"fault": "flood", "events": metrics})
		used := cpuTime(b) - before
		rate := float64(s.n) / s.last.Sub(s.first).Seconds()
		b.ReportMetric(rate, "metrics/s")
		b.ReportMetric(float64(s.n)/float64(s.commits), "metrics/commit")
		b.ReportMetric(float64(used.Microseconds())/metrics, "CPU-µs/metric")
		if s.n < metrics || rate < leastMetrics {
			b.Errorf("%d metrics at %.0f a second, below %d", s.n, rate, leastMetrics)
		}
	}
}

// cpuTime is that of this process and of the plugins it has reaped.
func cpuTime(b *testing.B) (sum time.Duration) {
	b.Helper()
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

// BenchmarkMemory runs through the events of an hour, and of fourteen, and
// reads at every tenth the heap of the host and of the plugin after a
// collection.
func BenchmarkMemory(b *testing.B) {
	for _, events := range []int{hourOfEvents, 1_000_000} {
		b.Run(fmt.Sprint(events, "-events"), func(b *testing.B) {
			for b.Loop() {
				l := newBench(b)
				var host, plugin []float64
				l.watch = func(u run.Update) {
					if u.Metric == "plugin/heap" {
						plugin = append(plugin, u.Value)
						host = append(host, heap())
					}
				}
				id := l.run(map[string]any{"fault": "hour", "events": events})
				for name, at := range map[string][]float64{"host": host, "plugin": plugin} {
					if len(at) != 10 {
						b.Fatalf("%d heap readings of the %s", len(at), name)
					}
					hours := float64(events) / hourOfEvents
					slope := slope(at) * 10 / hours
					b.Logf("heap of the %s at every tenth, KiB:%s; %+.1f KiB an hour", name, kib(at), slope/1024)
					b.ReportMetric(slope/1024, name+"-KiB/h")
					if slope > mostGrowth {
						b.Errorf("the heap of the %s grows by %.0f KiB an hour", name, slope/1024)
					}
				}
				if n := len(l.metrics(id)); n < events*98/100 {
					b.Errorf("%d metrics of %d events", n, events)
				}
			}
		})
	}
}

// heap is what this process has in use, after a collection.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// slope is that of the least-squares line through y at 0, 1, 2, ...
func slope(y []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i, v := range y {
		x := float64(i)
		sx, sy, sxx, sxy = sx+x, sy+v, sxx+x*x, sxy+x*v
	}
	n := float64(len(y))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

func kib(bytes []float64) string {
	var out strings.Builder
	for _, v := range bytes {
		fmt.Fprintf(&out, " %.0f", v/1024)
	}
	return out.String()
}
