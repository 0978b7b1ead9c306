package peft

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/train/autograd"
)

// An adapter that got a label head and a base loads with it, its other fields and
// tensors as they were; without a head to put it on it is refused.
func TestAmendedFolder(t *testing.T) {
	m, dir := load(t, "llama"), t.TempDir()
	l := attach(t, m, Config{Rank: 2, ModulesToSave: []string{"norm"}, RankPattern: []Override{{"v_proj", 3}, {"q_proj", 1}}})
	if err := l.Save(dir); err != nil {
		t.Fatal(err)
	}
	width := m.Config().HiddenSize
	values := make([]float32, 3*width)
	for i := range values {
		values[i] = float32(i)
	}
	if err := AddScore(dir, checkpoint.Tensor{Shape: []int{3, width}, Data: values}); err != nil {
		t.Fatal(err)
	}
	if err := SetBase(dir, "owner/name", "abc"); err != nil {
		t.Fatal(err)
	}
	text := read(t, dir, ConfigFile)
	var c map[string]any
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if c["base_model_name_or_path"] != "owner/name" || c["revision"] != "abc" || c["task_type"] != "SEQ_CLS" || strings.Index(text, `"v_proj": 3`) > strings.Index(text, `"q_proj": 1`) {
		t.Errorf("adapter_config.json is %s", text)
	}
	if kind, err := TypeOf(dir); kind != "LORA" || err != nil {
		t.Errorf("type %q (%v)", kind, err)
	}
	l.Detach()
	if _, err := Load(m, dir); err == nil || !strings.Contains(err.Error(), "the adapter holds a label head") {
		t.Errorf("without a head: %v", err)
	}
	score := autograd.NewParam(m.Engine(), "score.weight", []int{3, width}, nil)
	back, err := Load(m, dir, Own{[]string{"score"}, []*autograd.Param{score}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(score.Data(), values) || !slices.Equal(back.Config().ModulesToSave, []string{"norm"}) || back.Layers()[1].Rank != 3 {
		t.Errorf("loaded %v of modules %v", score.Data(), back.Config().ModulesToSave)
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(`[]`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := SetBase(dir, "x", ""); err == nil || !strings.Contains(err.Error(), ConfigFile+": not valid JSON") {
		t.Errorf("a broken adapter_config.json: %v", err)
	}
}
