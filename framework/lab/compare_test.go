package lab

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

func (b *bench) study(entries ...MethodEntry) *Study {
	for i := range entries {
		entries[i].Name = testplugins.Counter
	}
	return &Study{Name: "s", Model: filepath.Join(b.dir, "model"), Tasks: []string{filepath.Join(b.dir, "echo.yaml")}, Seeds: []int64{1, 2}, Baselines: new(bool), Methods: entries}
}

func TestStudyGoesOnAfterAFailure(t *testing.T) {
	b := newBench(t)
	s := b.study(MethodEntry{Label: "good"}, MethodEntry{Label: "dying", Params: map[string]any{"fault": "exit"}}, MethodEntry{Label: "half", Params: map[string]any{"skill": 0.5}})
	err := b.RunStudy(t.Context(), s)
	if err == nil || strings.Count(err.Error(), "exit status 4") != 2 || !strings.Contains(err.Error(), "dying on echo, seed 2") {
		t.Errorf("got %v", err)
	}
	byStatus := func() map[tracking.Status]int {
		n := map[tracking.Status]int{}
		for _, r := range b.rows(tracking.RunFilter{}) {
			n[r.Status]++
		}
		return n
	}
	if n := byStatus(); n[tracking.Finished] != 4 || n[tracking.Crashed] != 2 {
		t.Errorf("runs %v", n)
	}
	if err := b.RunStudy(t.Context(), s); err == nil {
		t.Error("the second time nothing failed")
	}
	if n := byStatus(); n[tracking.Finished] != 4 || n[tracking.Crashed] != 4 {
		t.Errorf("after the second time: runs %v", n)
	}
	r, err := b.Report(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"good", "half", "dying", "50.0 [", "crashed"} {
		if !strings.Contains(text.String(), w) {
			t.Errorf("the table does not say %q:\n%s", w, text.String())
		}
	}
}

func TestStudyMistakesNameTheMethod(t *testing.T) {
	b := newBench(t)
	err := b.RunStudy(t.Context(), b.study(MethodEntry{Label: "a"}, MethodEntry{Label: "b", Params: map[string]any{"steps": "x"}}))
	if err == nil || !strings.Contains(err.Error(), "methods[1].params.steps") {
		t.Errorf("got %v", err)
	}
	if n := len(b.rows(tracking.RunFilter{})); n != 0 {
		t.Errorf("%d runs are recorded", n)
	}
}

func TestStoppedStudyGoesOn(t *testing.T) {
	b := newBench(t)
	s := b.study(MethodEntry{Label: "a"}, MethodEntry{Label: "b"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	b.watch = func(u run.Update) {
		if u.Phase == "estimate" {
			if n++; n == 3 {
				cancel()
			}
		}
	}
	if err := b.RunStudy(ctx, s); err == nil || !strings.Contains(err.Error(), "goes on where it was") {
		t.Errorf("got %v", err)
	}
	b.watch = nil
	rows := b.rows(tracking.RunFilter{})
	if len(rows) != 3 || rows[2].Status != tracking.Stopped {
		t.Fatalf("%d runs, the last %s", len(rows), rows[len(rows)-1].Status)
	}
	if err := b.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if n := len(b.rows(tracking.RunFilter{})); n != 5 { // two were there, two are new
		t.Errorf("%d runs in the end", n)
	}
}

func TestTuningPicksTheBestOnValidation(t *testing.T) {
	b := newBench(t)
	s := b.study(MethodEntry{Label: "tuned", Sweep: map[string][]any{"skill": {0.2, 0.9, 0.5}}})
	s.Seeds, s.Budget = []int64{1}, spec.Budget{Trials: 3}
	if err := b.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	rows := b.rows(tracking.RunFilter{})
	if len(rows) != 4 {
		t.Fatalf("%d runs", len(rows))
	}
	for i, r := range rows {
		ps, err := b.Store.Predictions(t.Context(), r.ID, tracking.PredictionFilter{})
		if err != nil {
			t.Fatal(err)
		}
		split, n := "validation", validItems
		if i == 3 {
			split, n = "test", testItems
		}
		if len(ps) != n || ps[0].Split != split {
			t.Errorf("run %d: %d predictions of the %s split, expected %d of %s", i, len(ps), ps[0].Split, n, split)
		}
	}
	sp, err := specOf(rows[3])
	if err != nil || sp.Params["skill"] != 0.9 {
		t.Errorf("tested with %v, %v", sp.Params, err)
	}
	parents, err := b.Store.Parents(t.Context(), rows[3].ID)
	if err != nil || len(parents) != 3 { // every trial: what it cost counts
		t.Errorf("parents %+v, %v", parents, err)
	}
	for i, p := range parents {
		if p.Parent != rows[i].ID || p.Relation != tracking.TunedFrom {
			t.Errorf("parent %d is %+v, want trial %s", i, p, rows[i].ID)
		}
	}
}
