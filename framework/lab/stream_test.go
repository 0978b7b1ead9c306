package lab

import (
	"context"
	"fmt"
	"os"
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
	leastMetrics = 20_000  // a second, durable
	mostGrowth   = 1 << 20 // bytes of heap, from the first tenth to the last
	hourOfEvents = 72_000  // 20 a second
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
// the disk, a durable commit behind every batch, and the CPU time that one takes
// of the host and of the plugin's processes.
func BenchmarkStream(b *testing.B) {
	const metrics = 200_000
	for b.Loop() {
		l := newBench(b)
		s := &timing{Store: l.Store}
		l.Store, l.runner.Store = s, s
		host, plugin := cpuTime(b, syscall.RUSAGE_SELF), cpuTime(b, syscall.RUSAGE_CHILDREN)
		l.run(map[string]any{"fault": "flood", "events": metrics})
		host, plugin = cpuTime(b, syscall.RUSAGE_SELF)-host, cpuTime(b, syscall.RUSAGE_CHILDREN)-plugin
		rate := float64(s.n) / s.last.Sub(s.first).Seconds()
		b.ReportMetric(rate, "metrics/s")
		b.ReportMetric(float64(s.n)/float64(s.commits), "metrics/commit")
		b.ReportMetric(float64(host.Microseconds())/metrics, "host-CPU-µs/metric")
		b.ReportMetric(float64(plugin.Microseconds())/metrics, "plugin-CPU-µs/metric")
		if s.n < metrics || rate < leastMetrics {
			b.Errorf("%d metrics at %.0f a second, below %d", s.n, rate, leastMetrics)
		}
	}
}

// cpuTime is the user and system time of this process, or of the plugins that it
// has reaped.
func cpuTime(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMemory runs through the events of an hour, and of fourteen, and
// reads at every tenth the heap of the host and of the plugin after a
// collection.
func BenchmarkMemory(b *testing.B) {
	for _, events := range []int{hourOfEvents, 1_000_000} {
		b.Run(fmt.Sprint(events, "-events"), func(b *testing.B) {
			for b.Loop() {
				l := newBench(b)
				var host, plugin, resident []float64
				l.watch = func(u run.Update) {
					if u.Metric == "plugin/heap" {
						plugin = append(plugin, u.Value)
						host = append(host, heap())
						resident = append(resident, residentSet())
					}
				}
				id := l.run(map[string]any{"fault": "hour", "events": events})
				for _, of := range []struct {
					name string
					at   []float64
				}{{"host", host}, {"plugin", plugin}} {
					if len(of.at) != 10 {
						b.Fatalf("%d heap readings of the %s", len(of.at), of.name)
					}
					grown, hours := 9*slope(of.at), 0.9*float64(events)/hourOfEvents
					b.Logf("heap of the %s at every tenth, KiB:%s; %+.1f KiB an hour", of.name, kib(of.at), grown/1024/hours)
					b.ReportMetric(grown/1024/hours, of.name+"-KiB/h")
					if grown > mostGrowth {
						b.Errorf("the heap of the %s grew by %.0f KiB in %.1f hours of events", of.name, grown/1024, hours)
					}
				}
				b.Logf("resident set of the host at every tenth, KiB:%s", kib(resident))
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

// residentSet is that of this process, in bytes; 0 where there is no /proc.
func residentSet() float64 {
	var size, pages float64
	raw, _ := os.ReadFile("/proc/self/statm")
	_, _ = fmt.Sscan(string(raw), &size, &pages)
	return pages * float64(os.Getpagesize())
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
