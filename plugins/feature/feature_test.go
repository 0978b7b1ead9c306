package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/sdk"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tunetest"
)

func stored(t *testing.T, artifacts string) classifier {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(artifacts, classifierFile))
	if err != nil {
		t.Fatal(err)
	}
	var c classifier
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFeature(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	for kind, trainable := range map[string]int64{logistic: 2 * (2*tunetest.Hidden + 1), svm: 2 * (2*tunetest.Hidden + 1),
		mlp: 5*(2*tunetest.Hidden+1) + 2*(5+1)} {
		t.Run(kind, func(t *testing.T) {
			var files []map[string]string
			var answers [][]spec.Prediction
			o := tunetest.Options{Params: map[string]any{"classifier": kind, "hidden": 5}, Seed: 4}
			var r *tunetest.Record
			for _, o.Threads = range []int{1, 1, 2} {
				r = tunetest.Run(t, feature{}, folder, d, o)
				files, answers = append(files, r.Files(t)), append(answers, r.Predict(t, feature{}, d, spec.ModeLabels))
			}
			if !reflect.DeepEqual(files[0], files[1]) || !reflect.DeepEqual(answers[0], answers[1]) {
				t.Error("the same seed gives another result")
			}
			if !reflect.DeepEqual(files[0], files[2]) || !reflect.DeepEqual(answers[0], answers[2]) {
				t.Error("two threads give another result")
			}
			if acc := r.Last(t, "train/accuracy"); acc < 0.9 {
				t.Errorf("accuracy %g on the examples it was fitted to", acc)
			}
			if kind != mlp && (r.Last(t, "feature/converged") != 1 || r.Last(t, "feature/grad_norm") > solvedTolerance) {
				t.Errorf("converged %g, gradient %g", r.Last(t, "feature/converged"), r.Last(t, "feature/grad_norm"))
			}
			for _, p := range answers[0] {
				if len(p.Scores) != 2 || p.PromptTokens < 2 || p.FLOPs <= 0 {
					t.Errorf("item %s: %+v", p.ID, p)
				}
			}
			est, err := feature{}.Estimate(context.Background(), r.In)
			if err != nil {
				t.Fatal(err)
			}
			if r.Cost.TrainableParams != trainable || est.TrainableParams != trainable || r.Cost.LabelledExamples != 24 || r.Cost.FLOPs <= 0 {
				t.Errorf("cost %+v, estimate %+v, expected %d trainable", r.Cost, est, trainable)
			}
		})
	}
}

func TestNoSuchLayer(t *testing.T) {
	_, err := tunetest.TryRun(t, feature{}, tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(), tunetest.Options{Params: map[string]any{"layer": 3}})
	if err == nil || !strings.Contains(err.Error(), "params.layer: 3 is above the model's 2 layers") {
		t.Errorf("a layer that the model lacks: %v", err)
	}
}

// Mean and scale are those of the training split: other validation examples
// leave the classifier as it is.
func TestStandardisedOnTrainingAlone(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	one := tunetest.Run(t, feature{}, folder, d, tunetest.Options{})
	in := tunetest.Input(t, feature{}, folder, d, tunetest.Options{})
	x, err := newExtractor(in)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	rows, err := x.Rows(context.Background(), inputs(d.Train), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := classifier{In: len(rows[0].X)}
	want.standardise(rows)
	if c := stored(t, one.Artifacts); !slices.Equal(c.Mean, want.Mean) || !slices.Equal(c.Scale, want.Scale) {
		t.Error("mean and scale are not those of the training split")
	}
	for i := range d.Validation {
		d.Validation[i].Input = "quite another text"
	}
	two := tunetest.Run(t, feature{}, folder, d, tunetest.Options{})
	if !reflect.DeepEqual(one.Files(t), two.Files(t)) {
		t.Error("the classifier depends on the validation split")
	}
}

// cached runs on a model that has a hash, with a cache of its own.
func cached(t *testing.T, in *sdk.Input) (map[string]float64, spec.Cost, []spec.Prediction) {
	t.Helper()
	in.WorkDir = t.TempDir()
	metrics := map[string]float64{}
	cost, err := sdk.RunLocal(context.Background(), feature{}, in, sdk.Events{Metric: func(name string, _ int64, v float64) { metrics[name] = v }})
	if err != nil {
		t.Fatal(err)
	}
	asked := *in
	asked.Artifacts = filepath.Join(in.WorkDir, "artifacts")
	p, err := feature{}.Predictor(context.Background(), &asked)
	if err != nil {
		t.Fatal(err)
	}
	var items []spec.Item
	for _, e := range tunetest.Classification().Validation {
		items = append(items, spec.Item{ID: e.ID, Input: e.Input})
	}
	var answers []spec.Prediction
	err = p.Predict(context.Background(), spec.ModeLabels, items, func(pr spec.Prediction) error {
		answers = append(answers, pr)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return metrics, cost, answers
}

// A run that finds its features in the cache gives the same numbers, cost
// included, and needs no model.
func TestCacheHit(t *testing.T) {
	in := tunetest.Input(t, feature{}, tunetest.Folder(t, checkpoint.Llama), tunetest.Classification(), tunetest.Options{Params: map[string]any{"max_length": 5}})
	in.Spec.Model.SHA256 = "abc"
	m1, c1, p1 := cached(t, in)
	if m1["data/cut"] == 0 {
		t.Error("no text was cut to 5 tokens")
	}
	in.ModelDir = filepath.Join(t.TempDir(), "gone")
	m2, c2, p2 := cached(t, in)
	if !reflect.DeepEqual(m1, m2) || !reflect.DeepEqual(c1, c2) || !reflect.DeepEqual(p1, p2) {
		t.Errorf("computed: %v %+v %v\nfrom the cache: %v %+v %v", m1, c1, p1, m2, c2, p2)
	}
	files, err := filepath.Glob(filepath.Join(in.CacheDir, "features", "*.rows"))
	if err != nil || len(files) != 2 { // train; validation and test are the same texts
		t.Fatalf("cache files %v, %v", files, err)
	}
	for _, f := range files {
		if err := os.Truncate(f, 100); err != nil {
			t.Fatal(err)
		}
	}
	_, err = sdk.RunLocal(context.Background(), feature{}, in, sdk.Events{})
	if err == nil || !strings.Contains(err.Error(), "damaged feature cache; delete it") {
		t.Errorf("a truncated cache file: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	folder, d := tunetest.Folder(t, checkpoint.Llama), tunetest.Classification()
	if _, err := tunetest.TryRun(t, feature{}, folder, tunetest.Completion(spec.Generation), tunetest.Options{}); err == nil || !strings.Contains(err.Error(), "task.labels: ") {
		t.Errorf("a task without labels: %v", err)
	}
	empty := d
	empty.Train = nil
	if _, err := tunetest.TryRun(t, feature{}, folder, empty, tunetest.Options{}); err == nil || !strings.Contains(err.Error(), "the training split is empty") {
		t.Errorf("no examples: %v", err)
	}
	r := tunetest.Run(t, feature{}, folder, d, tunetest.Options{})
	other := d
	other.Task.Labels = []string{"red", "blue", "green"}
	if _, err := r.TryPredict(t, feature{}, other, spec.ModeLabels); err == nil || !strings.Contains(err.Error(), "it knows 2 labels, the task has 3") {
		t.Errorf("a task of other labels: %v", err)
	}
	if _, err := r.TryPredict(t, feature{}, d, spec.ModeGenerate); err == nil || !strings.Contains(err.Error(), `"generate" is not one feature answers`) {
		t.Errorf("generate mode: %v", err)
	}
	r.In.Params["features"] = "last"
	if _, err := r.TryPredict(t, feature{}, d, spec.ModeLabels); err == nil || !strings.Contains(err.Error(), "the classifier takes 64 features, the model gives 32") {
		t.Errorf("other settings: %v", err)
	}
}
