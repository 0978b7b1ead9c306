package generate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
)

// Any end token of generation_config.json ends a text, and those of config.json
// count only where that file names none.
func TestGenerationConfigEndsATextFirst(t *testing.T) {
	_, x := load(t, "llama")
	end := x.Greedy[0][3]
	at := slices.Index(x.Greedy[0], end)
	for name, c := range map[string]struct {
		generation string
		want       int // tokens
	}{
		"a list":   {fmt.Sprintf(`{"eos_token_id": [90, %d]}`, end), at + 1},
		"a number": {fmt.Sprintf(`{"eos_token_id": %d}`, end), at + 1},
		"none":     {`{"temperature": 1.0, "eos_token_id": null}`, len(x.Greedy[0])},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(models, "llama"))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(c.generation), 0o644); err != nil {
			t.Fatal(err)
		}
		e, err := compute.Open("ref", 1)
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.Load(dir, e, model.Options{Frozen: true})
		if err != nil {
			t.Fatal(err)
		}
		res, err := Generate(context.Background(), m, x.Prompts[:1], Options{MaxNewTokens: len(x.Greedy[0])})
		if err != nil || len(res[0].IDs) != c.want {
			t.Errorf("%s: %d tokens %v, expected %d; %v", name, len(res[0].IDs), res[0].IDs, c.want, err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(models, "llama"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(`{"eos_token_id": "x"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	e, _ := compute.Open("ref", 1)
	if _, err := model.Load(dir, e, model.Options{}); err == nil {
		t.Error("an end token that is no number was taken")
	}
}
