package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/eval/compare"
	"github.com/tunelab/tunelab/framework/llm/encoder"
	"github.com/tunelab/tunelab/framework/llm/weights"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

// shipped builds methods as they are shipped into a folder of plugins.
func shipped(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-ldflags=-s -w", "-o", dir + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "github.com/tunelab/tunelab/plugins/"+name)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("build the plugins: %v\n%s", err, out)
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, trust.Prefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A study with an encoder: what writes is not applicable, baseline and
// forgetting included, and says why; the rest runs, replays and is exported.
func TestAStudyWithAnEncoder(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	if err := os.Mkdir(model, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tiny.Encoder(model, encoder.DistilBERT); err != nil {
		t.Fatal(err)
	}
	if _, err := (Models{}).Open(t.Context(), model, "", 1); err == nil || !strings.Contains(err.Error(), "holds an encoder") {
		t.Errorf("opened for scoring: %v", err)
	}
	put(t, filepath.Join(dir, "held.jsonl"), `{"text":"a text"}`+"\n")
	t.Setenv("TUNELAB_PLUGIN_DIR", shipped(t, "icl", "full", "qlora"))
	var warnings []string
	l, err := Open(filepath.Join(dir, "state"), Options{Unlocked: true, Lock: filepath.Join(dir, "tunelab.lock"), Warn: func(s string) { warnings = append(warnings, s) }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &Study{Name: "enc", Model: model, Tasks: []string{"sentiment", "capitals"}, Test: 5, Forgetting: filepath.Join(dir, "held.jsonl"), Budget: spec.Budget{Examples: 12},
		Methods: []MethodEntry{{Name: "full", Params: map[string]any{"max_steps": 3, "batch_size": 4}}}, Compute: oneThread()}
	if err := l.RunStudy(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "forgetting is not measured") }) {
		t.Errorf("warnings %q", warnings)
	}
	rec, err := l.Record("enc")
	if err != nil {
		t.Fatal(err)
	}
	rs, err := l.Results(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	var id string
	said := map[string]string{}
	for _, r := range rs {
		said[r.Label+" on "+r.Task] = r.Status + ": " + r.Reason
		if r.Method == "full" && r.Status == compare.Finished {
			id = r.RunID
			if _, measured := r.Extra[run.HeldOutLoss]; measured {
				t.Error("forgetting was measured")
			}
		}
	}
	for cell, want := range map[string]string{
		"full on sentiment":           compare.Finished,
		"majority class on sentiment": compare.Finished,
		"base zero-shot on sentiment": compare.NotApplicable + ": model is an encoder, and an encoder does not write",
		"base zero-shot on capitals":  compare.NotApplicable + ": model is an encoder, and an encoder does not write",
		"full on capitals":            compare.NotApplicable + ": model is an encoder, and an encoder does not write: the generation task capitals has no labels",
	} {
		if !strings.HasPrefix(said[cell], want) {
			t.Errorf("%s is %q, expected %q", cell, said[cell], want)
		}
	}
	again, err := l.Replay(t.Context(), id)
	if err != nil || !again.Identical {
		t.Errorf("replay: %+v: %v", again, err)
	}
	list, err := l.RunWeights(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	base, err := l.RunBase(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range weights.Summarise(list, base) {
		if strings.HasSuffix(w.Name, ".bias") { // 0 in the base
			continue
		}
		if fresh := strings.Contains(w.Name, "classifier"); (w.Change == nil) != fresh || !fresh && *w.Change == 0 {
			t.Errorf("%s: change %v", w.Name, w.Change)
		}
	}
	if id, err = l.RunOne(t.Context(), One{Method: "qlora", Model: model, Task: "sentiment", Params: map[string]any{"max_steps": 3}, Compute: spec.Compute{Precision: compute.BF16Precision}}); err != nil {
		t.Fatal(err)
	}
	merged := filepath.Join(dir, "merged")
	if x, err := l.ExportTo(t.Context(), id, merged, true); err != nil || x.Difference == nil || !(*x.Difference < 1e-4) {
		t.Errorf("a merged classifier: %+v: %v", x, err)
	}
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := encoder.LoadClassifier(merged, e); err != nil || c.Labels() != 2 {
		t.Errorf("the merged folder: %v", err)
	}
	if _, err := l.RunOne(t.Context(), One{Method: "icl", Model: model, Task: "sentiment"}); err == nil || !strings.Contains(err.Error(), "an encoder does not write") {
		t.Errorf("icl with an encoder: %v", err)
	}
}

// A metric of text is not measured on an encoder, whatever the method answers.
func TestMetricsOfText(t *testing.T) {
	p, err := Task("sentiment")
	if err != nil {
		t.Fatal(err)
	}
	m := spec.Method{Name: "full", Tasks: []string{spec.Classification}, Modes: []string{spec.ModeLabels, spec.ModeLogprobs}}
	for metric, want := range map[string]string{run.Accuracy: "", run.Perplexity: "an encoder does not write: perplexity"} {
		q := *p
		q.Task.Metric = metric
		if why := (fit{encoder: true}).why(MethodEntry{Name: "full"}, m, &q); !strings.HasPrefix(why, want) || why != "" && want == "" {
			t.Errorf("%s: %q, expected %q", metric, why, want)
		}
		if why := (fit{}).why(MethodEntry{Name: "full"}, m, &q); why != "" {
			t.Errorf("%s with a decoder: %q", metric, why)
		}
	}
}
