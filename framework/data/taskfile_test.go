package data

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tunelab/tunelab/framework/spec"
)

func TestLoadTaskReadsEveryFieldAndKeepsGivenZeros(t *testing.T) {
	dir := t.TempDir()
	tf, err := LoadTask(put(t, dir, "trec.yaml", `
kind: classification
prompt: "Q: {text}\nType:"
label: label
labels: [a, b]
delimiter: ""
data:
  train: sub/train.csv
  test: /abs/test.csv
  validation_fraction: 0
`))
	if err != nil {
		t.Fatal(err)
	}
	if tf.Name != "trec" || tf.Prompt != "Q: {text}\nType:" || !reflect.DeepEqual(tf.Labels, []string{"a", "b"}) {
		t.Errorf("read %+v", tf)
	}
	if got := tf.resolve(tf.Data.Train); got != filepath.Join(dir, "sub/train.csv") {
		t.Errorf("train resolves to %s", got)
	}
	if got := tf.resolve(tf.Data.Test); got != "/abs/test.csv" {
		t.Errorf("test resolves to %s", got)
	}
	task := tf.withDefaults()
	if task.Delimiter != "" || task.Separator != "\n\n" || task.MaxNew != 64 || task.Input != task.Prompt || task.Metric != "accuracy" {
		t.Errorf("defaults give %+v", task)
	}
	if !tf.Given["data.validation_fraction"] || tf.Given["data.id"] {
		t.Errorf("given keys are %v", tf.Given)
	}
}

func TestTaskFileMistakes(t *testing.T) {
	const base = "kind: generation\nprompt: \"{q}\"\nanswer: \"{a}\"\n"
	const files = "data: {train: a.csv, test: b.csv}\n"
	for _, c := range []struct {
		yaml string
		says []string
	}{
		{base + files + "promt: x\n", []string{"task.yaml:5: promt: unknown field", "prompt", "max_new_tokens", "overlap"}},
		{base + "data:\n  train: a.csv\n  tets: b.csv\n", []string{"task.yaml:6: data.tets: unknown field", "data has: train, validation, test, file"}},
		{base + "data:\n  file: a.csv\n  split:\n    dev: 0.1\n", []string{"task.yaml:7: data.split.dev", "train, validation, test, seed"}},
		{base + "data: a.csv\n", []string{"task.yaml:4", "data holds fields"}},
		{base + files + "max_new_tokens: many\n", []string{"task.yaml", "line 5"}},
		{"kind: [\n", []string{"task.yaml", "not valid YAML"}},
		{"", []string{"task.yaml:1", "empty"}},
		{"prompt: x\nkind: translation\n" + files, []string{"kind", `"translation" is not a kind`, "classification, generation"}},
		{base, []string{"data: no data is named"}},
		{base + "data: {train: a.csv}\n", []string{"data.test: no test file", "data.split"}},
		{base + "data: {file: a.csv, train: b.csv}\n", []string{"data.file", "beside"}},
		{base + "data: {file: a.csv, split: {train: 0.9, test: 0.2}}\n", []string{"data.split", "sum to 1.1"}},
		{base + "data: {file: a.csv, format: xml}\n", []string{"data.format", "parquet"}},
		{base + "data: {file: a.csv, validation_fraction: 1.5}\n", []string{"data.validation_fraction", "1.5"}},
		{base + files + "overlap: ignore\n", []string{"overlap", "error, report or drop"}},
		{"kind: classification\nprompt: \"{q} {label}\"\nlabel: label\n" + files, []string{`prompt: it shows field "label", which label is made of`}},
		{"kind: preference\nprompt: \"{q}\"\nchosen: \"{c}\"\n" + files, []string{"rejected: it is missing"}},
		{"kind: classification\nprompt: \"{q}\"\nlabel: l\nlabels: [a, a]\n" + files, []string{"labels[1]", "twice"}},
		{"kind: generation\nprompt: \"{q\"\nanswer: \"{a}}\"\n" + files, []string{"template prompt", "template answer"}},
		{base + "data: {train: a.csv, test: b.csv, fields: [a]}\n", []string{"data.fields[0]", "holds answers"}},
	} {
		_, err := LoadTask(put(t, t.TempDir(), "task.yaml", c.yaml))
		wants(t, err, c.says...)
	}
	_, err := LoadTask(filepath.Join(t.TempDir(), "none.yaml"))
	wants(t, err, "none.yaml", "read the task file")
}

func TestDefaultMetrics(t *testing.T) {
	for _, c := range []struct {
		kind string
		gold bool
		want string
	}{{spec.Classification, false, "accuracy"}, {spec.Generation, false, "exact_match"}, {spec.Instruction, true, "completion_loss"}, {spec.Preference, true, "win_rate"}, {spec.Preference, false, "reward_accuracy"}} {
		if got := DefaultMetric(c.kind, c.gold); got != c.want {
			t.Errorf("%s, gold %v: %s, want %s", c.kind, c.gold, got, c.want)
		}
	}
}
