package lab

import (
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

func TestRunIsRecordedWhole(t *testing.T) {
	b := newBench(t)
	id := b.run(map[string]any{"skill": 0.5})
	r := b.ended(id, tracking.Finished)
	for _, h := range []string{"model", "data", "template", "plugin"} {
		if len(r.Hashes[h]) != 64 {
			t.Errorf("hash of %s: %q", h, r.Hashes[h])
		}
	}
	if !strings.Contains(string(r.NamedSeeds), spec.StreamData) || !strings.Contains(string(r.Machine), "cores") || r.CodeVersion == "" {
		t.Errorf("seeds %s, machine %s, code %q", r.NamedSeeds, r.Machine, r.CodeVersion)
	}
	var cost spec.Cost
	if err := json.Unmarshal(r.Cost, &cost); err != nil {
		t.Fatal(err)
	}
	if cost.TrainableParams != 1 || cost.LabelledExamples != 4 || cost.TrainTokens != 6 || cost.FLOPs != 12 || cost.PromptTokens != testItems ||
		cost.GeneratedTokens != testItems || cost.WallSeconds <= 0 || cost.CPUSeconds <= 0 || cost.PeakMemoryBytes < 1<<20 || cost.ArtifactBytes <= 0 {
		t.Errorf("cost %+v", cost)
	}
	s, err := b.ShowRun(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for _, p := range s.Params {
		params[p.Key] = string(p.Value)
	}
	if params["skill"] != "0.5" || params["steps"] != "6" || params["fault"] != `""` {
		t.Errorf("params %v", params)
	}
	if len(s.Scores) != 1 || s.Scores[0].Value != 0.5 || s.Scores[0].N != testItems || s.Scores[0].Split != "test" {
		t.Errorf("scores %+v", s.Scores)
	}
	var files []string
	for _, a := range s.Artifacts {
		files = append(files, a.Path)
	}
	if got := strings.Join(files, " "); got != "checkpoint/.saved.json checkpoint/state.json result/state.json" {
		t.Errorf("artifacts %s", got)
	}
	kinds := map[string]int{}
	for _, e := range s.Events {
		kinds[e.Kind]++
	}
	if kinds["source"] != 1 || kinds["estimate"] != 1 || kinds["overlap"] != 1 || kinds["checkpoint"] != 2 {
		t.Errorf("events %v", kinds)
	}
	ps, err := b.Store.Predictions(t.Context(), id, tracking.PredictionFilter{})
	if err != nil || len(ps) != testItems {
		t.Fatalf("%d predictions, %v", len(ps), err)
	}
	right := 0
	for _, p := range ps {
		if p.Correct != nil && *p.Correct {
			right++
		}
	}
	if right != testItems/2 || len(ps[0].ItemHash) != 64 {
		t.Errorf("%d right, first %+v", right, ps[0])
	}
	ms := b.metrics(id)
	sum := 0.0
	for i := range 6 {
		sum += spec.Stream(5, "step "+string(rune('1'+i))).Float64()
	}
	if len(ms) != 8 || ms[7].Value != sum || ms[7].Step != 6 {
		t.Errorf("metrics %+v, expected a sum of %v", ms, sum)
	}
}

func TestRowIsWrittenFirst(t *testing.T) {
	b := newBench(t)
	seen := 0
	b.watch = func(u run.Update) {
		if u.Phase != "estimate" {
			return
		}
		seen++
		r := b.row(u.RunID)
		if r.Status != tracking.Running || len(r.SpecJSON) == 0 || r.Hashes["model"] == "" {
			t.Errorf("before the plugin is asked anything the row is %+v", r)
		}
		if _, err := b.Store.GetLease(t.Context(), u.RunID); err != nil {
			t.Errorf("lease: %v", err)
		}
		if _, err := b.source(r); err != nil {
			t.Errorf("source: %v", err)
		}
	}
	b.run(nil)
	if seen != 1 {
		t.Errorf("the estimate was seen %d times", seen)
	}
}

func TestMistakesComeBeforeAnythingIsRecorded(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		change func(*One)
		want   string
	}{
		{func(o *One) { o.Params = map[string]any{"stesp": 3} }, "params.stesp: unknown parameter"},
		{func(o *One) { o.Params = map[string]any{"steps": 0} }, "params.steps: 0 is out of range"},
		{func(o *One) { o.Params = map[string]any{"refuse": true} }, "params.refuse: it is true; leave it false"},
		{func(o *One) { o.Method = "nonesuch" }, "nonesuch"},
		{func(o *One) { o.Method = "misnamed" }, "describes itself"},
		{func(o *One) { o.Method = "prints" }, "hello from a library"},
		{func(o *One) { o.Method = "newer" }, "99"},
		{func(o *One) { o.Model = filepath.Join(b.dir, "none") }, "none"},
		{func(o *One) { o.Task = filepath.Join(b.dir, "none.yaml") }, "none.yaml"},
		{func(o *One) { o.Task = "sentiment" }, "does not do classification"},
	} {
		o := b.one(nil)
		c.change(&o)
		id, err := b.RunOne(t.Context(), o)
		if id != "" || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got run %q and %v", c.want, id, err)
		}
	}
	if rs := b.rows(tracking.RunFilter{}); len(rs) != 0 {
		t.Errorf("%d runs are recorded", len(rs))
	}
}

func TestSpecialNumbersAreKept(t *testing.T) {
	b := newBench(t)
	odd := map[string]float64{}
	for _, m := range b.metrics(b.run(map[string]any{"fault": "nan"})) {
		odd[m.Name] = m.Value
	}
	if !math.IsNaN(odd["odd/nan"]) || !math.IsInf(odd["odd/inf"], 1) || !math.IsInf(odd["odd/negative"], -1) {
		t.Errorf("got %v", odd)
	}
}

// Nothing that a plugin is given, from its arguments to its files, holds an
// answer of the test split, or says where one lies.
func TestAnswersStayWithTheHost(t *testing.T) {
	b := newBench(t)
	o := b.one(nil)
	o.Task = filepath.Join(b.dir, "secret.yaml")
	id, err := b.RunOne(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	asked, read := false, 0
	work := filepath.Join(b.Dir, "runs", id)
	err = filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		text := string(raw)
		read++
		asked = asked || strings.Contains(text, "testword7")
		if i := strings.Index(text, "testkey"); i >= 0 {
			t.Errorf("%s holds an answer: %.40s", path, text[i:])
		}
		if strings.Contains(text, "test.jsonl") || strings.Contains(text, "secret.yaml") {
			t.Errorf("%s says where the answers lie", path)
		}
		return err
	})
	if err != nil || !asked || read < 5 {
		t.Errorf("%v; of %d files none holds a question", err, read)
	}
	raw, err := os.ReadFile(filepath.Join(work, "given", "train.jsonl"))
	if err != nil || !strings.Contains(string(raw), "trainkey3") {
		t.Errorf("the training answers are not given: %v", err)
	}
}

func TestPluginsAreListedWithTheirFaults(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	for _, name := range []string{testplugins.Counter, "exits", "schema"} {
		if err := os.Symlink(testplugins.Path(plugins, name), testplugins.Path(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TUNELAB_PLUGIN_DIR", dir)
	found := map[string]Plugin{}
	list, err := b.DescribePlugins(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		found[p.Name] = p
	}
	if p := found[testplugins.Counter]; p.Error != "" || p.Method.Version != "1.0.0" || len(p.Schema.Params) == 0 || len(p.SHA256) != 64 {
		t.Errorf("the good one: %+v", p)
	}
	if !strings.Contains(found["exits"].Error, "no licence found") || !strings.Contains(found["schema"].Error, "another schema") {
		t.Errorf("the broken ones: %+v %+v", found["exits"], found["schema"])
	}
}
