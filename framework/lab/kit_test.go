package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/tracking"
)

var plugins string // folder of the test plugins

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		if err := beHost(role); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	if role := os.Getenv(trainerVar); role != "" {
		if err := beTrainer(role); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(testplugins.Main(m, &plugins))
}

// bench is a lab with the test plugins, a model folder that no plugin loads,
// and a task.
type bench struct {
	*Lab
	t     testing.TB
	dir   string // of the task and the model
	watch func(run.Update)
}

func newBench(t testing.TB) *bench {
	t.Helper()
	dir := t.TempDir()
	writeFixture(t, dir)
	return open(t, dir)
}

// open opens the lab of a folder, again if need be.
func open(t testing.TB, dir string) *bench {
	t.Helper()
	b := &bench{t: t, dir: dir}
	l, err := openIn(dir, plugins, func(u run.Update) {
		if b.watch != nil {
			b.watch(u)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	b.Lab = l
	return b
}

func openIn(dir, plugins string, watch func(run.Update)) (*Lab, error) {
	if err := os.Setenv("TUNELAB_PLUGIN_DIR", plugins); err != nil {
		return nil, err
	}
	lock := filepath.Join(dir, "tunelab.lock")
	if err := lockTestPlugins(lock, plugins); err != nil {
		return nil, err
	}
	return Open(filepath.Join(dir, "state"), Options{Watch: watch, Lock: lock})
}

// lockTestPlugins pins the test plugins, which are one binary.
func lockTestPlugins(path, plugins string) error {
	lock, err := trust.ReadLock(path)
	if err != nil {
		return err
	}
	sum, err := host.FileSum(testplugins.Path(plugins, testplugins.Counter))
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(testplugins.Good, testplugins.Broken) {
		lock.Put(trust.Entry{Name: name, Source: "built by the tests", Version: "1.0.0", Protocol: "1.0", SHA256: map[string]string{trust.Platform(): sum}})
	}
	return lock.Write()
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Sizes of the fixture's splits.
const (
	trainItems = 12
	validItems = 10
	testItems  = 20
)

// writeFixture makes a model folder and two tasks: "echo", whose answers stand
// in the prompts, and "secret", whose answers stand nowhere else.
func writeFixture(t testing.TB, dir string) {
	t.Helper()
	put(t, filepath.Join(dir, "model", "config.json"), `{"model_type":"none"}`)
	for _, s := range []struct {
		name string
		n    int
	}{{"train", trainItems}, {"validation", validItems}, {"test", testItems}} {
		var b strings.Builder
		for i := range s.n {
			fmt.Fprintf(&b, `{"word":"%sword%d","key":"%skey%d"}`+"\n", s.name, i, s.name, i)
		}
		put(t, filepath.Join(dir, s.name+".jsonl"), b.String())
	}
	data := "data: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}\n"
	put(t, filepath.Join(dir, "echo.yaml"), "name: echo\nkind: generation\nprompt: 'Say {word}'\nanswer: '{word}'\nmetric: exact_match\n"+data)
	put(t, filepath.Join(dir, "secret.yaml"), "name: secret\nkind: generation\nprompt: 'Open {word}'\nanswer: '{key}'\nmetric: exact_match\n"+data)
}

func (b *bench) one(params map[string]any) One {
	return One{Method: testplugins.Counter, Model: filepath.Join(b.dir, "model"), Task: filepath.Join(b.dir, "echo.yaml"), Seed: 5, Params: params}
}

// run makes a run that must finish.
func (b *bench) run(params map[string]any) string {
	b.t.Helper()
	id, err := b.RunOne(b.t.Context(), b.one(params))
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// stopAt makes a run that is cancelled at an update.
func (b *bench) stopAt(o One, at func(run.Update) bool) (string, error) {
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	b.watch = func(u run.Update) {
		if at(u) {
			cancel()
		}
	}
	defer func() { b.watch = nil }()
	return b.RunOne(ctx, o)
}

func atStep(n int64) func(run.Update) bool {
	return func(u run.Update) bool { return u.Metric == "train/loss" && u.Step == n }
}

func (b *bench) row(id string) tracking.Run {
	b.t.Helper()
	r, err := b.Store.GetRun(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) rows(f tracking.RunFilter) []tracking.Run {
	b.t.Helper()
	f.OldestFirst = true
	rs, err := b.Store.ListRuns(b.t.Context(), f)
	if err != nil {
		b.t.Fatal(err)
	}
	return rs
}

func (b *bench) metrics(id string) []tracking.Metric {
	b.t.Helper()
	ms, err := b.Store.Metrics(b.t.Context(), id, tracking.MetricFilter{})
	if err != nil {
		b.t.Fatal(err)
	}
	return ms
}

func (b *bench) events(id string) []tracking.Event {
	b.t.Helper()
	es, err := b.Store.Events(b.t.Context(), id, tracking.EventFilter{})
	if err != nil {
		b.t.Fatal(err)
	}
	return es
}

// same demands that two runs have the same numbers, answers and files.
func (b *bench) same(x, y string) {
	b.t.Helper()
	d, err := b.firstDifference(b.t.Context(), x, y, &Replayed{})
	if err != nil || d != "" {
		b.t.Errorf("runs %s and %s differ: %s %v", x, y, d, err)
	}
}

// ended checks a run's end state and that its reason says each of the words.
func (b *bench) ended(id string, status tracking.Status, words ...string) tracking.Run {
	b.t.Helper()
	r := b.row(id)
	if r.Status != status {
		b.t.Errorf("run %s is %s (%s), expected %s", id, r.Status, r.Reason, status)
	}
	for _, w := range words {
		if !strings.Contains(r.Reason, w) {
			b.t.Errorf("the reason of run %s does not say %q: %s", id, w, r.Reason)
		}
	}
	if _, err := b.Store.GetLease(b.t.Context(), id); tracking.CodeOf(err) != tracking.NotFound {
		b.t.Errorf("run %s has ended and its lease: %v", id, err)
	}
	if r.Ended.IsZero() || time.Since(r.Ended) > time.Hour {
		b.t.Errorf("run %s ended at %v", id, r.Ended)
	}
	return r
}
