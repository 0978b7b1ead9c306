package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
)

// What the plugin boundary may cost; plugin/OVERHEAD.md has the figures.
const (
	mostLaunch   = 500 * time.Millisecond
	mostOverhead = 0.01 // of a run of one minute
)

// BenchmarkLaunch measures a launch up to the plugin's answers to Describe and
// Schema: of the test plugin, and of one with a model's code in it.
func BenchmarkLaunch(b *testing.B) {
	for _, path := range []string{testplugins.Path(plugins, testplugins.Counter), buildLoRA(b)} {
		b.Run(filepath.Base(path), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				c, err := host.Launch(b.Context(), path, host.LaunchOptions{})
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
				c.Close()
			}
			slices.Sort(took)
			b.ReportMetric(float64(median(took).Microseconds())/1e3, "median-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1e3, "max-ms")
			if median(took) > mostLaunch {
				b.Errorf("the median launch takes %v, above %v", median(took), mostLaunch)
			}
		})
	}
}

func median[T any](sorted []T) T { return sorted[len(sorted)/2] }

// cost is what a trainer used, in seconds: wall time, user and system time of
// all its processes, and that of the host alone.
type cost struct{ wall, cpu, host float64 }

func runTrainer(b *testing.B, t trainer) (c cost, loss float64) {
	b.Helper()
	raw, err := json.Marshal(t)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), trainerVar+"="+string(raw))
	start := time.Now()
	out, err := cmd.CombinedOutput()
	c.wall = time.Since(start).Seconds()
	if _, e := fmt.Sscanf(string(out), "loss %g host %g", &loss, &c.host); err != nil || e != nil {
		b.Fatalf("the trainer says %s, %v", out, errors.Join(err, e))
	}
	c.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() // with the plugins that the host reaped
	return c, loss
}

// compared are medians over pairs: what more is used through a plugin.
type compared struct{ aloneCPU, moreWall, moreCPU, host float64 }

// bothWays trains so many steps, in pairs, once in one process and once through
// a host and a plugin, and demands the same last loss. Which goes first
// alternates.
func bothWays(b *testing.B, plugin string, steps, pairs int) compared {
	b.Helper()
	var alone, wall, cpu, host []float64
	for i := range pairs {
		var c [2]cost
		var loss [2]float64
		for k := range c {
			side := (k + i) % 2
			c[side], loss[side] = runTrainer(b, trainer{b.TempDir(), []string{"", plugin}[side], steps})
		}
		if loss[0] != loss[1] {
			b.Fatalf("the last losses differ: %g and %g", loss[0], loss[1])
		}
		b.Logf("%d steps: alone %.2f s (CPU %.2f s), through a plugin %.2f s (CPU %.2f s, of the host %.2f s)", steps, c[0].wall, c[0].cpu, c[1].wall, c[1].cpu, c[1].host)
		alone, wall, cpu, host = append(alone, c[0].cpu), append(wall, c[1].wall-c[0].wall), append(cpu, c[1].cpu-c[0].cpu), append(host, c[1].host)
	}
	for _, list := range [][]float64{alone, wall, cpu, host} {
		slices.Sort(list)
	}
	return compared{median(alone), median(wall), median(cpu), median(host)}
}

// BenchmarkOverhead compares training in one process with the same through a
// host, a plugin and the record, from the start of the first process to the end
// of the last. The difference of two long runs drowns in their own noise, so it
// is put together. Runs of one step are longer by the fixed cost. What the host
// uses more in a longer run is the cost of its steps, beside the training: it is
// reported, and makes the run longer only where no core is free.
// TUNELAB_LONG=1 makes that run a minute long.
func BenchmarkOverhead(b *testing.B) {
	plugin := buildLoRA(b)
	steps, pairs := 300, 3
	if os.Getenv("TUNELAB_LONG") != "" {
		steps = 2400
	}
	for b.Loop() {
		fixed, long := bothWays(b, plugin, 1, 9), bothWays(b, plugin, steps, pairs)
		n := float64(steps - 1)
		step, perStep := (long.aloneCPU-fixed.aloneCPU)/n, (long.host-fixed.host)/n
		beside := perStep * (60 - fixed.aloneCPU) / step
		b.ReportMetric(fixed.moreWall, "fixed-s")
		b.ReportMetric(fixed.moreCPU, "fixed-CPU-s")
		b.ReportMetric(1e6*perStep, "host-CPU-µs/step")
		b.ReportMetric(1e3*step, "ms/step-alone")
		b.ReportMetric(100*fixed.moreWall/60, "%-longer")
		b.ReportMetric(100*(fixed.moreCPU+beside)/60, "%-more-CPU")
		if fixed.moreWall > mostOverhead*60 {
			b.Errorf("a run through a plugin is %.2f s longer, above %.0f %% of a minute", fixed.moreWall, 100*mostOverhead)
		}
	}
}
