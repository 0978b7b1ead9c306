package service

import (
	"os"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

func TestFeatures(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	in := host.Input{RunID: "r", Model: host.File{Path: dir}}
	rows, err := Features(t.Context(), in, host.FeatureQuery{Texts: []string{"one", "two and more"}, Pooling: "both", Layer: -1})
	if err != nil || len(rows) != 2 || len(rows[0].X) != 64 || rows[1].Tokens <= rows[0].Tokens || rows[0].FLOPs <= 0 {
		t.Errorf("%+v, %v", rows, err)
	}
	for want, q := range map[string]host.FeatureQuery{
		`pooling "max"`: {Texts: []string{"a"}, Pooling: "max"},
		"layer 9":       {Texts: []string{"a"}, Pooling: "mean", Layer: 9},
	} {
		if _, err := Features(t.Context(), in, q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := Features(t.Context(), host.Input{RunID: "r"}, host.FeatureQuery{Pooling: "mean"}); err == nil || !strings.Contains(err.Error(), "run r has no model") {
		t.Errorf("no model: %v", err)
	}
}

// A call leaves neither threads nor memory behind.
func TestFeaturesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	in := host.Input{RunID: "r", Model: host.File{Path: dir}, Spec: spec.Run{Compute: spec.Compute{Threads: 8}}}
	ask := func() {
		if _, err := Features(t.Context(), in, host.FeatureQuery{Texts: []string{"one"}, Pooling: "last", Layer: -1}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	before := threads(t)
	for range 20 {
		ask()
	}
	if after := threads(t); after > before+8 { // one call's would be 7
		t.Errorf("%d threads before 20 calls, %d after", before, after)
	}
}

func threads(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("threads are counted on Linux only")
	}
	return len(list)
}
