package model

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// names lists the tensors of a model folder, sorted.
func names(t *testing.T, dir string) []string {
	t.Helper()
	r, err := checkpoint.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return slices.Sorted(slices.Values(r.Names()))
}

// A classifier's folder holds the model's tensors but for its output layer, and
// the label head's; as a language model it is not loaded.
func TestSaveClassifier(t *testing.T) {
	for name, head := range map[string][]string{"llama-bias": nil, "llama": {"lm_head.weight"}, "phi": {"lm_head.bias", "lm_head.weight"}, "gpt-neox": {"embed_out.weight"}} {
		m, _ := load(t, name)
		dir, plain := t.TempDir(), t.TempDir()
		h := LabelHead{Labels: []string{"no", "yes"}, Score: make([]float32, 2*m.cfg.HiddenSize), PAD: 3}
		h.Score[1] = 7
		if err := m.SaveClassifier(dir, h); err != nil {
			t.Fatal(err)
		}
		if err := m.Save(plain); err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(append(names(t, plain), "score.weight"), func(n string) bool { return slices.Contains(head, n) })
		if got := names(t, dir); len(want) != len(names(t, plain))+1-len(head) || !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: tensors %v, expected %v", name, got, want)
		}
		score, err := checkpoint.ReadTensor(filepath.Join(dir, checkpoint.WeightsFile), "score.weight", []int{2, m.cfg.HiddenSize})
		if err != nil || !slices.Equal(score.Data, h.Score) {
			t.Errorf("%s: score %v (%v)", name, score.Data, err)
		}
		if cfg, err := checkpoint.ReadConfig(dir); err != nil || cfg.PAD != 3 || !slices.Equal(cfg.Labels, h.Labels) {
			t.Errorf("%s: padding %d, labels %v (%v)", name, cfg.PAD, cfg.Labels, err)
		}
		if _, err := Load(dir, m.e, Options{}); err == nil || !strings.Contains(err.Error(), "is a classifier of 2 labels (no, ...)") {
			t.Errorf("%s: loaded as a language model: %v", name, err)
		}
	}
	m, _ := load(t, "granite")
	dir := filepath.Join(t.TempDir(), "new")
	if err := m.SaveClassifier(dir, LabelHead{Labels: []string{"a"}, Score: make([]float32, m.cfg.HiddenSize)}); err == nil || !strings.Contains(err.Error(), "no class of granite") {
		t.Errorf("granite: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a refused save left a folder")
	}
}
