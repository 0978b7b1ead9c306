//go:build linux

package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/tunelab/tunelab/framework/base"
	"github.com/tunelab/tunelab/framework/lab"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/plugin/host"
	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/service"
	"github.com/tunelab/tunelab/framework/spec"
)

// What a run is estimated to need in memory is what its plugin's process has had
// at most, within 15%, and the FLOPs are those that it counted. TUNELAB_LONG=1
// tries it.
func TestEstimateOfARun(t *testing.T) {
	if os.Getenv("TUNELAB_LONG") == "" {
		t.Skip("trains in processes of its own for two minutes; TUNELAB_LONG=1")
	}
	dir := t.TempDir()
	embedded, err := base.Unpack(dir)
	if err != nil {
		t.Fatal(err)
	}
	models := map[string]string{"embedded": embedded}
	for _, config := range []string{"tiny", "llama-15m"} {
		models[config] = writeModel(t, config, embedded, filepath.Join(dir, config))
	}
	for _, c := range []struct {
		model, task, method string
		params              map[string]any
	}{
		{"embedded", "sentiment", "full", nil},
		{"embedded", "sentiment", "feature", nil},
		{"embedded", "sentiment", "head", nil},
		{"embedded", "explain", "lora", map[string]any{"batch_size": 64}},
		{"embedded", "explain", "qlora", nil},
		{"tiny", "explain", "full", map[string]any{"batch_size": 64}},
		{"tiny", "explain", "full", map[string]any{"batch_size": 64, "gradient_checkpointing": true}},
		{"tiny", "explain", "lora", nil},
		{"tiny", "sentiment", "head", nil},
		{"llama-15m", "explain", "full", nil},
		{"llama-15m", "explain", "lora", map[string]any{"batch_size": 64}},
		{"llama-15m", "explain", "qlora", nil},
		{"llama-15m", "sentiment", "feature", nil},
	} {
		t.Run(fmt.Sprint(c.model, " ", c.method, " ", c.params), func(t *testing.T) {
			est, cost, peak := measure(t, models[c.model], c.task, c.method, c.params, 2)
			off := float64(est.MemoryBytes)/float64(peak) - 1
			t.Logf("estimated %.1f MiB, measured %.1f MiB: %+.0f%%; %.3g and %.3g FLOPs", float64(est.MemoryBytes)/(1<<20), float64(peak)/(1<<20), 100*off, est.FLOPs, cost.FLOPs)
			if math.Abs(off) > 0.15 {
				t.Errorf("the estimate of memory is off by %+.0f%%", 100*off)
			}
			if c.method != "feature" && est.FLOPs != cost.FLOPs {
				t.Errorf("estimated %g FLOPs, counted %g", est.FLOPs, cost.FLOPs)
			}
		})
	}
}

// BenchmarkPrediction compares the time predicted for training with that of the
// processor's one thread: predicted/taken is within 30% of 1 on a quiet machine.
func BenchmarkPrediction(b *testing.B) {
	dir := b.TempDir()
	embedded, err := base.Unpack(dir)
	if err != nil {
		b.Fatal(err)
	}
	tiny := writeModel(b, "tiny", embedded, filepath.Join(dir, "tiny"))
	for _, method := range []string{"full", "lora", "qlora"} {
		b.Run(method, func(b *testing.B) {
			for range b.N {
				est, cost, _ := measure(b, tiny, "explain", method, nil, 1)
				seconds, err := Seconds(b.Context(), dir, est, spec.Compute{Threads: 1})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(seconds/cost.CPUSeconds, "predicted/taken")
				b.ReportMetric(cost.CPUSeconds, "s/run")
			}
		})
	}
}

// writeModel writes a random model of a shape with the embedded model's tokenizer.
func writeModel(t testing.TB, config, embedded, dir string) string {
	t.Helper()
	raw, err := configJSON(config)
	if err != nil {
		t.Fatal(err)
	}
	e, err := openEngine(F32, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	m, err := randomDecoder(raw, e, spec.Stream(1, "bench"))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(embedded)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := tok.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// measure estimates a run in a plugin's process and makes it.
func measure(t testing.TB, model, task, method string, params map[string]any, threads int) (est spec.Estimate, cost spec.Cost, peak int64) {
	t.Helper()
	d, err := lab.Task(task)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	binary := filepath.Join(work, "tunelab-plugin-"+method)
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/tunelab/tunelab/plugins/"+method).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c, err := host.Launch(t.Context(), binary, host.LaunchOptions{Name: method, Features: service.Features})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all := map[string]any{}
	if method != "feature" {
		all["epochs"] = 1.0
	}
	for k, v := range params {
		all[k] = v
	}
	resolved, ds := c.Schema.Resolve("params", all)
	if ds.Err() != nil {
		t.Fatal(ds)
	}
	in := host.Input{RunID: "r", WorkDir: work, CacheDir: filepath.Join(work, "cache"), Model: host.File{Path: model, SHA256: "0"},
		Spec:       spec.Run{Task: d.Task, Method: method, Params: resolved, Seed: 1, Compute: spec.Compute{Engine: "cpu", Threads: threads}},
		Train:      writeExamples(t, filepath.Join(work, "train.jsonl"), d.Train[:min(len(d.Train), 300)]),
		Validation: writeExamples(t, filepath.Join(work, "validation.jsonl"), d.Validation[:min(len(d.Validation), 50)])}
	if est, err = c.Estimate(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	before, _ := c.Usage()
	done, err := c.Run(t.Context(), in, host.File{}, func(*pb.Event) error { return nil })
	if err != nil || done.State != "finished" {
		t.Fatal(err, done.State, done.Errors)
	}
	after, _ := c.Usage()
	done.Cost.CPUSeconds = after - before
	return est, done.Cost, childPeak(t)
}

// childPeak is the peak memory of this process's one child.
func childPeak(t testing.TB) int64 {
	t.Helper()
	self := strconv.Itoa(os.Getpid())
	found, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range found {
		lines, peak := procLines(path), int64(0)
		for _, l := range lines {
			if l[0] == "VmHWM" {
				peak = kibibytes(l[1])
			}
		}
		if peak > 0 && slices.Contains(lines, [2]string{"PPid", self}) {
			return peak
		}
	}
	t.Fatal("the plugin is no child of this process")
	return 0
}

func writeExamples(t testing.TB, path string, list []spec.Example) host.File {
	t.Helper()
	var raw []byte
	for _, e := range list {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		raw = append(append(raw, line...), '\n')
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return host.File{Path: path}
}
