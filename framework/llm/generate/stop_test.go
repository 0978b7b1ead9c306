package generate

import (
	"context"
	"fmt"
	"math"
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

// A penalty above 1 ends repetition by the rule of transformers; at 1 it is off.
func TestRepetitionPenalty(t *testing.T) {
	if got := penalised([]float32{2, -2, 1, 0}, 2, []int{0, 0}, []int{1}); !slices.Equal(got, []float32{1, -4, 1, 0}) {
		t.Errorf("penalised: %v", got)
	}
	m, x := load(t, "llama")
	ids := func(penalty float64) []int {
		res, err := Generate(context.Background(), m, x.Prompts[:1], Options{MaxNewTokens: 16, StopIDs: []int{}, RepetitionPenalty: penalty})
		if err != nil {
			t.Fatal(err)
		}
		return res[0].IDs
	}
	if !slices.Equal(ids(1), x.Greedy[0]) {
		t.Error("a penalty of 1 changes the text")
	}
	seen := map[int]bool{}
	for _, id := range x.Prompts[0] {
		seen[id] = true
	}
	for i, id := range ids(1e6) { // with 64 tokens, each new one is there
		if seen[id] {
			t.Errorf("token %d, %d, stands twice", i, id)
		}
		seen[id] = true
	}
}

// Any number of new tokens may be allowed: the context's end comes first.
func TestAnyNumberOfNewTokens(t *testing.T) {
	m, x := load(t, "llama")
	res, err := Generate(context.Background(), m, x.Prompts[:1], Options{MaxNewTokens: math.MaxInt, StopIDs: []int{}})
	if err != nil || res[0].Finish != Context {
		t.Errorf("%v, %+v", err, res)
	}
}
