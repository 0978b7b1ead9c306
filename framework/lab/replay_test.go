package lab

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/tracking"
)

func TestReplayIsIdentical(t *testing.T) {
	b := newBench(t)
	id := b.run(nil)
	r, err := b.Replay(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Identical || r.Metrics != 8 || r.Answers != testItems || r.Files != 1 || len(r.Changed) != 0 {
		t.Errorf("%+v", r)
	}
	parents, err := b.Store.Parents(t.Context(), r.Replay)
	if err != nil || len(parents) != 1 || parents[0].Relation != tracking.ReplayOf {
		t.Errorf("parents %+v, %v", parents, err)
	}
}

func TestReplayNamesTheFirstDifference(t *testing.T) {
	b := newBench(t)
	id := b.run(map[string]any{"fault": "seedless"})
	r, err := b.Replay(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	d := r.Stages[0].Difference
	if r.Identical || !strings.HasPrefix(d, "metric train/loss at step 1 is 0.") || !strings.Contains(d, ", was 0.") {
		t.Errorf("identical %v, %q", r.Identical, d)
	}
}

func TestReplayRefusesWhatHasChanged(t *testing.T) {
	b := newBench(t)
	id := b.run(nil)
	failed, err := b.RunOne(t.Context(), b.one(map[string]any{"fault": "error"}))
	if err == nil {
		t.Fatal("it finished")
	}
	if _, err := b.Replay(t.Context(), failed); err == nil || !strings.Contains(err.Error(), "only a finished run") {
		t.Errorf("a failed run: %v", err)
	}
	capped := b.one(map[string]any{"hold_at": 3})
	capped.Budget.MaxWallSeconds = 0.5
	if failed, err = b.RunOne(t.Context(), capped); err == nil {
		t.Fatal("it finished")
	}
	if _, err := b.Replay(t.Context(), failed); err == nil {
		t.Error("a run that the clock ended is replayed")
	}

	data := filepath.Join(b.dir, "train.jsonl")
	before, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	put(t, data, strings.Replace(string(before), "trainkey3", "trainkey99", 1))
	refused := func(words ...string) {
		t.Helper()
		n := len(b.rows(tracking.RunFilter{}))
		_, err := b.Replay(t.Context(), id)
		if err == nil {
			t.Fatal("it ran")
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("the error does not say %q: %v", w, err)
			}
		}
		if len(b.rows(tracking.RunFilter{})) != n {
			t.Error("a run was recorded all the same")
		}
	}
	// The echo task does not use the key: what a method sees is the same.
	if r, err := b.Replay(t.Context(), id); err != nil || !r.Identical {
		t.Errorf("after a change of a field that the task does not use: %+v, %v", r, err)
	}
	put(t, data, strings.Replace(string(before), "trainword3", "trainword99", 1))
	refused("the data of task echo has changed", "restore it")
	put(t, data, string(before))
	put(t, filepath.Join(b.dir, "model", "config.json"), `{"model_type":"another"}`)
	refused("the model", "has changed", filepath.Join(b.dir, "model"))
	if err := os.Remove(filepath.Join(b.dir, "echo.yaml")); err != nil {
		t.Fatal(err)
	}
	refused("echo.yaml")
}

func TestChainStopsResumesAndReplays(t *testing.T) {
	b := newBench(t)
	o := b.one(nil)
	o.Method = testplugins.Chain
	whole, err := b.RunOne(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	rows := b.rows(tracking.RunFilter{})
	if len(rows) != 2 || rows[0].Stage != "first" || rows[1].Stage != "second" || rows[1].ID != whole {
		t.Fatalf("runs %+v", rows)
	}
	ms := b.metrics(whole)
	if first := b.metrics(rows[0].ID); ms[0].Value <= first[len(first)-1].Value {
		t.Errorf("the second stage starts at %v, the first ended at %v", ms[0].Value, first[len(first)-1].Value)
	}
	if r, err := b.Replay(t.Context(), whole); err != nil || !r.Identical || len(r.Stages) != 2 || r.Metrics != 16 {
		t.Errorf("replay: %+v, %v", r, err)
	}

	o.Params = map[string]any{"hold_at": 3}
	id, err := b.stopAt(o, atStep(3))
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Stopped)
	last, err := b.Resume(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.same(whole, last)
	if r := b.row(last); r.Stage != "second" {
		t.Errorf("resuming the first stage ended with stage %q", r.Stage)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.watch = func(u run.Update) {
		if atStep(2)(u) && b.row(u.RunID).Stage == "second" {
			cancel()
		}
	}
	o.Params = map[string]any{"steps": 2000, "every": 1000}
	id, err = b.RunOne(ctx, o)
	b.watch = nil
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Stopped)
	if last, err = b.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if r, err := b.Replay(t.Context(), last); err != nil || !r.Identical || len(r.Stages) != 2 {
		t.Errorf("replay of a resumed chain: %+v, %v", r, err)
	}
}
