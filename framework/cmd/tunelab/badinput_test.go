package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tunelab/tunelab/framework/base"
)

// A task of two labels that the cases below spoil in one place.
const reviews = `
name: reviews
kind: classification
prompt: "Review: {text}\nSentiment:"
label: label
labels: [bad, good]
data: {train: train.csv, test: test.csv, validation_fraction: 0}
`

// spoilt lays out the task, lets spoil change the folder, and runs head on it.
func spoilt(t *testing.T, spoil func(dir string), args ...string) (code int, errOut, state string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "task.yaml", reviews)
	var train, test strings.Builder
	train.WriteString("text,label\n")
	test.WriteString("text,label\n")
	for i := range 8 {
		fmt.Fprintf(&train, "the soup number %d was fine,%d\n", i, i%2)
		fmt.Fprintf(&test, "the cake number %d was cold,%d\n", i, i%2)
	}
	write(t, dir, "train.csv", train.String())
	write(t, dir, "test.csv", test.String())
	spoil(dir)
	state = filepath.Join(dir, "state")
	all := append([]string{"--dir", state, "run", "head", "--task", filepath.Join(dir, "task.yaml"), "-p", "epochs=1"}, args...)
	for i, a := range all {
		all[i] = strings.ReplaceAll(a, "DIR", dir)
	}
	code, _, errOut = tunelab(all...)
	return code, errOut, state
}

// edit replaces text in a file.
func edit(t *testing.T, name, old, new string) func(string) {
	return func(dir string) {
		path := filepath.Join(dir, name)
		raw, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(raw), old) {
			t.Fatalf("%s: %v, or it lacks %q", name, err, old)
		}
		write(t, dir, name, strings.Replace(string(raw), old, new, 1))
	}
}

// brokenModel copies the embedded model and damages its weights.
func brokenModel(t *testing.T, damage func(raw []byte) []byte) func(string) {
	return func(dir string) {
		unpacked, err := base.Unpack(filepath.Join(dir, "models"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(unpacked, "model.safetensors")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(raw), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(unpacked, filepath.Join(dir, "model")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBadInputIsOneClearError(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(string)
		args  []string
		want  []string
	}{
		{"missing data file", func(dir string) { os.Remove(filepath.Join(dir, "train.csv")) }, nil, []string{"train.csv"}},
		{"missing task file", func(dir string) { os.Remove(filepath.Join(dir, "task.yaml")) }, nil, []string{"task.yaml", "embedded task"}},
		{"missing model", func(string) {}, []string{"--model", "DIR/none"}, []string{"none", "Hugging Face folder"}},
		{"broken CSV line", edit(t, "train.csv", "fine,1\n", "fine,1,oops\n"), nil, []string{"train.csv", "3"}},
		{"label that is none", edit(t, "test.csv", "cold,1\n", "cold,7\n"), nil, []string{"test.csv:3", "label"}},
		{"unknown field in the task", edit(t, "task.yaml", "labels:", "lables:"), nil, []string{"lables"}},
		{"field that no row has", edit(t, "task.yaml", "{text}", "{txet}"), nil, []string{"txet", "text"}},
		{"test example in train", edit(t, "test.csv", "the cake number 0 was cold", "the soup number 3 was fine"), nil, []string{"overlap", "test.csv:2", "train.csv:5"}},
		{"unknown parameter", func(string) {}, []string{"-p", "rnak=3"}, []string{"params.rnak", "unknown parameter", "learning_rate"}},
		{"parameter out of range", func(string) {}, []string{"-p", "batch_size=0"}, []string{"params.batch_size", "at least 1"}},
		{"unknown method", func(string) {}, []string{"--plugin", "DIR/none"}, []string{"none"}},
		{"pipe in the model's folder", func(dir string) {
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "model"), 0o755), syscall.Mkfifo(filepath.Join(dir, "model", "config.json"), 0o644)); err != nil {
				t.Fatal(err)
			}
		}, []string{"--model", "DIR/model"}, []string{"config.json is neither a file nor a folder"}},
		{"truncated safetensors", brokenModel(t, func(raw []byte) []byte { return raw[:len(raw)/2] }), []string{"--model", "DIR/model"}, []string{"model.safetensors"}},
		{"wrong shape", brokenModel(t, func(raw []byte) []byte {
			return []byte(strings.Replace(string(raw), `"shape":[128]`, `"shape":[64,2]`, 1))
		}), []string{"--model", "DIR/model"}, []string{"model.safetensors", "shape"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, errOut, state := spoilt(t, c.spoil, c.args...)
			if code == 0 {
				t.Fatalf("it ran: %s", errOut)
			}
			for _, w := range c.want {
				if !strings.Contains(errOut, w) {
					t.Errorf("the error does not say %q:\n%s", w, errOut)
				}
			}
			if strings.Contains(errOut, "goroutine ") {
				t.Errorf("a stack instead of an error:\n%s", errOut)
			}
			for _, r := range runsOf(t, state, "head") { // whatever got a row says how it ended
				if r.Status != "failed" || r.Reason == "" {
					t.Errorf("run %s is %s: %s", r.ID, r.Status, r.Reason)
				}
			}
		})
	}
}

func TestGoodInputRuns(t *testing.T) {
	code, errOut, state := spoilt(t, func(string) {})
	if code != 0 {
		t.Fatal(errOut)
	}
	if rs := runsOf(t, state, "head"); len(rs) != 1 || rs[0].Status != "finished" || rs[0].Score == nil {
		t.Errorf("recorded %+v", rs)
	}
}
