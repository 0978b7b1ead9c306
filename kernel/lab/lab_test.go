package lab

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/eval/compare"
	framework "github.com/tunelab/tunelab/framework/lab"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/kernel/display"
	"github.com/tunelab/tunelab/tracking"
)

func TestOptions(t *testing.T) {
	p := Study(Name("n"), Tasks("capitals"), Seeds(1, 2), Examples(8), Test(9), Trials(3), Threads(1), Baselines(false), State("d"), Unlocked(),
		Methods("icl", Method("lora").As("x").Set("rank", 4).Set("target_modules", []string{"a", "b"}).Sweep("learning_rate", 1e-3, 1e-2).On("capitals").Plugin("/p")))
	off := false
	want := framework.Study{Name: "n", Tasks: []string{"capitals"}, Seeds: []int64{1, 2}, Test: 9, Baselines: &off,
		Budget: spec.Budget{Examples: 8, Trials: 3}, Compute: spec.Compute{Threads: 1},
		Methods: []framework.MethodEntry{{Name: "icl"}, {Name: "lora", Label: "x", Tasks: []string{"capitals"}, Plugin: "/p",
			Params: map[string]any{"rank": 4, "target_modules": []any{"a", "b"}}, Sweep: map[string][]any{"learning_rate": {1e-3, 1e-2}}}}}
	if !reflect.DeepEqual(p.study, want) || p.dir != "d" || !p.unlocked {
		t.Errorf("%+v\nwant\n%+v", p.study, want)
	}
	if d := Study(); len(d.study.Methods) != 9 || len(d.study.Tasks) != 5 || d.study.Name != "notebook" || d.err != nil {
		t.Errorf("without options: %+v", d.study)
	}
	if _, err := Study(Methods(7)).Run(); err == nil || !strings.Contains(err.Error(), "lab.Method(name)") {
		t.Errorf("a method that is a number: %v", err)
	}
}

// result is one of three methods, as read gives it.
func result() *Result {
	r := &Result{Name: "s", plan: Study()}
	for _, x := range []Row{
		{Method: "a", Task: "t", Metric: "accuracy", State: compare.Finished, Mean: 0.5, Runs: []string{"r1"}},
		{Method: "b", Task: "t", Metric: "accuracy", State: compare.Finished, Mean: 0.75},
		{Method: "b", Task: "t", Metric: "other", State: compare.Finished, Mean: 9},
		{Method: "c", Task: "t", Metric: "accuracy", State: compare.Failed, Mean: 1},
		{Method: "zero", Task: "t", Metric: "accuracy", State: compare.Finished, Mean: 0.9, Baseline: true},
		{Method: "a", Task: "u", Metric: "loss", State: compare.Finished, Mean: 2, LowerIsBetter: true},
		{Method: "b", Task: "u", Metric: "loss", State: compare.Finished, Mean: 3, LowerIsBetter: true},
	} {
		r.Rows = append(r.Rows, x)
	}
	return r
}

func TestResult(t *testing.T) {
	r := result()
	if b := r.Best("t"); b.Method != "b" || b.Metric != "accuracy" {
		t.Errorf("best on t: %+v", b)
	}
	if b := r.Best("u"); b.Method != "a" {
		t.Errorf("best where lower is better: %+v", b)
	}
	if x := r.Row("b", "u"); x.Mean != 3 {
		t.Errorf("%+v", x)
	}
	if r.run("a") != "r1" || r.run("r9") != "r9" {
		t.Error("a row's name stands for its first run")
	}
	defer func() {
		if s, _ := recover().(string); !strings.Contains(s, "a on t, b on t") {
			t.Errorf("a row that is not there: %q", s)
		}
	}()
	r.Row("nobody", "t")
}

func TestCurves(t *testing.T) {
	c := Curve{Steps: []int64{0, 0, 5, 5, 5}, Values: []float64{1, 3, 1, 2, 6}}
	if m := c.Mean(); !reflect.DeepEqual(m.Steps, []int64{0, 5}) || !reflect.DeepEqual(m.Values, []float64{2, 3}) || c.Last() != 6 {
		t.Errorf("%+v", m)
	}
	if f := Chart("title", "x", "y", c.Line("one"), c.Line("two")); !strings.Contains(f.SVG(), "<svg") || !strings.Contains(f.SVG(), "two") {
		t.Error("no drawing")
	}
	defer func() {
		if recover() == nil {
			t.Error("a line without points is drawn")
		}
	}()
	Chart("", "", "", Line{Name: "none"})
}

// sink collects what is shown.
type sink struct{ shown []string }

func (s *sink) Display(d display.Data, _ string, _ bool) {
	s.shown = append(s.shown, d.Data[display.MIMETypeHTML].(string))
}
func (s *sink) Clear(bool) {}

func TestCard(t *testing.T) {
	s := &sink{}
	display.SetSink(s)
	defer display.SetSink(nil)
	c := newCard("a<b")
	c.planned(1, 4)
	for i := range 300 {
		c.watch(run.Update{RunID: "r", Label: "lora", Task: "t", Phase: "train", Step: int64(i), Total: 300})
		c.watch(run.Update{RunID: "r", Label: "lora", Task: "t", Metric: "train/loss", Value: float64(300 - i)})
	}
	c.watch(run.Update{RunID: "r", Label: "lora", Task: "t", Estimate: &spec.Estimate{MemoryBytes: 50 << 20}})
	live := c.html(false)
	for _, want := range []string{"a&lt;b", "run 2 of 4", "lora on t", "train 299 / 300", "train/loss 1", "<polyline", "50 MiB estimated", "left"} {
		if !strings.Contains(live, want) {
			t.Errorf("the card lacks %q: %s", want, live)
		}
	}
	if n := strings.Count(live, ","); n > 200 {
		t.Errorf("%d points are drawn", n)
	}
	c.watch(run.Update{RunID: "r", Label: "lora", Task: "t", Status: tracking.Finished, Score: &tracking.Score{Metric: "accuracy", Value: 0.5}})
	c.stopped = true
	c.close()
	last := s.shown[len(s.shown)-1]
	if !strings.Contains(last, "stopped after 1 run of 4") || !strings.Contains(last, "accuracy 0.5") || !strings.Contains(last, "<details>") {
		t.Errorf("it folds into %s", last)
	}
}

func TestAStateFolderThatCannotBe(t *testing.T) {
	if _, err := Study(State("/dev/null/x"), Tasks("capitals"), Methods("icl")).Run(); err == nil || errors.Is(err, ErrStopped) {
		t.Errorf("%v", err)
	}
}
