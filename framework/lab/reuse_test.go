package lab

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/tracking"
)

// filled are the runs in a study's cells.
func (b *bench) filled(name string) []string {
	b.t.Helper()
	rec, err := b.Record(name)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, c := range rec.Cells {
		out = append(out, c.Run)
	}
	return out
}

func TestReuseNeedsTheSameItems(t *testing.T) {
	b := newBench(t)
	s := b.study(MethodEntry{Label: "a"})
	s.Seeds = []int64{1}
	var ids []string
	for _, test := range []int{5, 15, 5, 15} {
		s.Test = test
		if err := b.RunStudy(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		id := b.filled("s")[0]
		ids = append(ids, id)
		if ps, err := b.Store.Predictions(t.Context(), id, tracking.PredictionFilter{}); err != nil || len(ps) != test {
			t.Errorf("%d test items asked for, %d answered (%v)", test, len(ps), err)
		}
	}
	if ids[0] == ids[1] || ids[0] != ids[2] || ids[1] != ids[3] {
		t.Errorf("runs %v: the first two differ, and each is used again", ids)
	}
	s.Budget.Examples = 4
	if err := b.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	s.Seeds = []int64{2, 1} // each seed has its own examples, whatever stands beside it
	if err := b.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	n := len(b.rows(tracking.RunFilter{}))
	if n != 4 { // two test sizes, a budget, and a second seed
		t.Errorf("%d runs, want 4", n)
	}
	given := map[string]bool{}
	for _, id := range b.filled("s") {
		row, err := b.Store.GetRun(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		given[row.Hashes["asked"]] = true
	}
	if len(given) != 2 {
		t.Error("two seeds have the same examples")
	}
}

func TestReplaysDoNotStandInTables(t *testing.T) {
	b := newBench(t)
	s := b.study(MethodEntry{Label: "a"})
	if err := b.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	before := b.filled("s")
	if _, err := b.Replay(t.Context(), before[0]); err != nil {
		t.Fatal(err)
	}
	if err := b.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if after := b.filled("s"); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("runs %v, after a replay %v", before, after)
	}
}

func TestStoppedRunOfAStudyGoesOnFromItsCheckpoint(t *testing.T) {
	b := newBench(t)
	s := b.study(MethodEntry{Label: "a", Params: map[string]any{"steps": 40}})
	s.Seeds = []int64{1}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.watch = func(u run.Update) {
		if u.Step >= 5 {
			cancel()
		}
	}
	if err := b.RunStudy(ctx, s); err == nil {
		t.Fatal("it was not stopped")
	}
	b.watch = nil
	stopped := b.filled("s")[0]
	if err := b.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	parents, err := b.Store.Parents(t.Context(), b.filled("s")[0])
	if err != nil || len(parents) != 1 || parents[0].Parent != stopped || parents[0].Relation != tracking.ResumedFrom {
		t.Errorf("parents %+v (%v), want it resumed from %s", parents, err, stopped)
	}
	o := b.one(map[string]any{"steps": 40})
	o.Seed = 1
	whole, err := b.RunOne(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := b.firstDifference(t.Context(), whole, b.filled("s")[0], &Replayed{}); d != "" || err != nil {
		t.Errorf("it differs from an uninterrupted run: %s, %v", d, err)
	}
}

func TestStudiesThatCouldNotBeToldApart(t *testing.T) {
	b := newBench(t)
	put(t, filepath.Join(b.dir, "again.yaml"), "name: echo\nkind: generation\nprompt: 'Tell {word}'\nanswer: '{word}'\nmetric: exact_match\ndata: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}\n")
	for _, c := range []struct {
		spoil func(*Study)
		want  string
	}{
		{func(s *Study) { s.Name = "a/b" }, `name: "a/b" is no plain name`},
		{func(s *Study) { s.Tasks = append(s.Tasks, s.Tasks[0]) }, "tasks[1]: "},
		{func(s *Study) { s.Tasks = append(s.Tasks, filepath.Join(b.dir, "again.yaml")) }, `tasks[1]: another task is called "echo"`},
		{func(s *Study) { s.Methods[0].Label = ZeroShot }, "methods[0].label"},
		{func(s *Study) { s.Methods[0].Tasks = []string{"ecko"} }, `methods[0].tasks: the study has no task "ecko"`},
		{func(s *Study) { s.Compute.Engine = "gpu" }, `compute.engine: "gpu" is not an engine`},
		{func(s *Study) { s.Budget.MaxWallSeconds = -1 }, "budget.max_wall_seconds: -1 is below 0"},
	} {
		s := b.study(MethodEntry{Label: "a"})
		c.spoil(s)
		if err := b.RunStudy(t.Context(), s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want it to say %q", err, c.want)
		}
	}
	if n := len(b.rows(tracking.RunFilter{})); n != 0 {
		t.Errorf("%d runs are recorded", n)
	}
}

func TestExportIntoAFolderWithFiles(t *testing.T) {
	b := newBench(t)
	id := b.run(nil)
	if err := b.Export(t.Context(), id, b.dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("got %v", err)
	}
	if err := b.Export(t.Context(), id, filepath.Join(b.dir, "out")); err != nil {
		t.Error(err)
	}
}

func TestATableOutlivesADeletedRun(t *testing.T) {
	b := newBench(t)
	if err := b.RunStudy(t.Context(), b.study(MethodEntry{Label: "a"})); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DeleteRun(t.Context(), b.filled("s")[0]); err != nil {
		t.Fatal(err)
	}
	r, err := b.Report(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Comparison.Rows[0].Cells[0]; len(c.Seeds) != 1 || len(c.Lost) != 1 || !strings.Contains(c.Lost[0], "deleted") {
		t.Errorf("the cell is %+v", c)
	}
	if c, err := b.Collect(t.Context()); err != nil || c.Blobs != 0 { // all younger than an hour
		t.Errorf("collected %+v, %v", c, err)
	}
}
