package tunetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
)

// Options of a run. The zero value of a field takes the default named.
type Options struct {
	Params     map[string]any // given parameters; the rest are the schema's defaults
	Seed       int64
	Threads    int    // default 1
	Checkpoint string // folder to resume from
}

// Point is one value of a metric.
type Point struct {
	Step  int64
	Value float64
}

// Record is what a run left behind.
type Record struct {
	In          *sdk.Input
	Cost        spec.Cost
	Artifacts   string
	Metrics     map[string][]Point
	Logs        []string
	Checkpoints map[int64]string // step to folder
}

// Input makes the input of a run of m on the model folder and the data.
func Input(t testing.TB, m sdk.Method, folder string, d Data, o Options) *sdk.Input {
	t.Helper()
	params, ds := m.Schema().Resolve("params", o.Params)
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	in := &sdk.Input{RunID: "test", Params: params, ModelDir: folder, WorkDir: work, CacheDir: t.TempDir(), Checkpoint: o.Checkpoint,
		Train: filepath.Join(work, "train.jsonl"), Validation: filepath.Join(work, "validation.jsonl"),
		Spec: spec.Run{Task: d.Task, Method: m.Describe().Name, Params: params, Seed: o.Seed, Compute: spec.Compute{Engine: "cpu", Threads: max(o.Threads, 1)}}}
	writeExamples(t, in.Train, d.Train)
	writeExamples(t, in.Validation, d.Validation)
	return in
}

func writeExamples(t testing.TB, path string, examples []spec.Example) {
	t.Helper()
	var raw []byte
	for _, e := range examples {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		raw = append(append(raw, line...), '\n')
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Run trains and fails the test on an error.
func Run(t testing.TB, m sdk.Method, folder string, d Data, o Options) *Record {
	t.Helper()
	r, err := TryRun(t, m, folder, d, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TryRun is Run for tests that want the error.
func TryRun(t testing.TB, m sdk.Method, folder string, d Data, o Options) (*Record, error) {
	t.Helper()
	r := &Record{In: Input(t, m, folder, d, o), Metrics: map[string][]Point{}, Checkpoints: map[int64]string{}}
	r.Artifacts = filepath.Join(r.In.WorkDir, "artifacts")
	var err error
	r.Cost, err = sdk.RunLocal(context.Background(), m, r.In, sdk.Events{
		Metric:     func(name string, step int64, v float64) { r.Metrics[name] = append(r.Metrics[name], Point{step, v}) },
		Log:        func(level, message string) { r.Logs = append(r.Logs, level+": "+message) },
		Checkpoint: func(step int64, dir string) { r.Checkpoints[step] = dir },
	})
	return r, err
}

// First and Last give a metric's first and last value.
func (r *Record) First(t testing.TB, metric string) float64 { return r.value(t, metric, 0) }
func (r *Record) Last(t testing.TB, metric string) float64 {
	return r.value(t, metric, len(r.Metrics[metric])-1)
}

func (r *Record) value(t testing.TB, metric string, i int) float64 {
	t.Helper()
	list := r.Metrics[metric]
	if len(list) == 0 {
		t.Fatalf("the run logged no %s", metric)
	}
	return list[i].Value
}

// Files gives the content of every file of the result by its path.
func (r *Record) Files(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(r.Artifacts, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(p)
		rel, _ := filepath.Rel(r.Artifacts, p)
		out[filepath.ToSlash(rel)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Predict asks a fresh predictor of the run's result about the validation
// examples, one mode at a time.
func (r *Record) Predict(t testing.TB, m sdk.Method, d Data, mode string) []spec.Prediction {
	t.Helper()
	out, err := r.TryPredict(t, m, d, mode)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TryPredict is Predict for tests that want the error.
func (r *Record) TryPredict(t testing.TB, m sdk.Method, d Data, mode string) ([]spec.Prediction, error) {
	t.Helper()
	in := *r.In
	in.Train, in.Validation, in.Artifacts, in.Spec.Task = "", "", r.Artifacts, d.Task
	p, err := m.Predictor(context.Background(), &in)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var items []spec.Item
	for _, e := range d.Validation {
		it := spec.Item{ID: e.ID, Prompt: e.Prompt, Input: e.Input}
		switch mode {
		case spec.ModeLogprobs:
			it.Target = e.Answer
		case spec.ModeChoices:
			it.Choices = []string{e.Answer, "no " + e.Answer}
		}
		items = append(items, it)
	}
	var out []spec.Prediction
	err = p.Predict(context.Background(), mode, items, func(pr spec.Prediction) error {
		out = append(out, pr)
		return nil
	})
	if err == nil && len(out) != len(items) {
		err = fmt.Errorf("%d answers to %d items", len(out), len(items))
	}
	return out, err
}
