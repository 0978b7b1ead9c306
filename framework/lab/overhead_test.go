package lab

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// cost is what a trainer's processes used: wall time, and user and system time
// with that of the plugins that a host had reaped.
type cost struct{ wall, cpu time.Duration }

func runTrainer(b *testing.B, t trainer) (cost, string) {
	b.Helper()
	raw, err := json.Marshal(t)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), trainerVar+"="+string(raw))
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "loss ") {
		b.Fatalf("the trainer says %s, %v", out, err)
	}
	st := cmd.ProcessState
	return cost{time.Since(start), st.UserTime() + st.SystemTime()}, string(out)
}

// pair trains once in one process and once through a host and a plugin, and
// demands the same last loss. Which goes first alternates.
func pair(b *testing.B, i, steps int, plugin string) (alone, hosted cost) {
	b.Helper()
	var losses [2]string
	for _, side := range [][]int{{0, 1}, {1, 0}}[i%2] {
		if side == 0 {
			alone, losses[0] = runTrainer(b, trainer{b.TempDir(), "", steps})
		} else {
			hosted, losses[1] = runTrainer(b, trainer{b.TempDir(), plugin, steps})
		}
	}
	if losses[0] != losses[1] {
		b.Fatalf("the last losses differ: %s and %s", losses[0], losses[1])
	}
	return alone, hosted
}

// BenchmarkOverhead compares training in one process with the same through a
// host, a plugin and the record, from the start of the first process to the end
// of the last: a run of one step has the fixed cost, longer ones add the cost of
// their events. TUNELAB_LONG=1 adds runs of about a minute.
func BenchmarkOverhead(b *testing.B) {
	plugin := buildLoRA(b)
	sizes := []struct {
		name         string
		steps, pairs int
	}{{"fixed", 1, 9}, {"short", 300, 5}}
	if os.Getenv("TUNELAB_LONG") != "" {
		sizes = append(sizes, struct {
			name         string
			steps, pairs int
		}{"minute", 2400, 3})
	}
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				var alone, hosted, more, moreCPU []float64
				for i := range s.pairs {
					x, y := pair(b, i, s.steps, plugin)
					b.Logf("pair %d: alone %.2f s (CPU %.2f s), through a plugin %.2f s (CPU %.2f s)", i, x.wall.Seconds(), x.cpu.Seconds(), y.wall.Seconds(), y.cpu.Seconds())
					alone, hosted = append(alone, x.wall.Seconds()), append(hosted, y.wall.Seconds())
					more, moreCPU = append(more, (y.wall-x.wall).Seconds()), append(moreCPU, (y.cpu-x.cpu).Seconds())
				}
				for _, list := range [][]float64{alone, hosted, more, moreCPU} {
					slices.Sort(list)
				}
				b.ReportMetric(median(alone), "alone-s")
				b.ReportMetric(median(hosted), "hosted-s")
				b.ReportMetric(median(more), "more-s")
				b.ReportMetric(median(moreCPU), "more-CPU-s")
				b.ReportMetric(100*median(moreCPU)/60, "%-of-a-minute")
				if median(moreCPU) > mostOverhead*60 {
					b.Errorf("%.2f s more CPU time than without a plugin, above %.0f %% of a minute", median(moreCPU), 100*mostOverhead)
				}
			}
		})
	}
}
