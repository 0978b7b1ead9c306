package lab

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
	"github.com/tunelab/tunelab/framework/tune/tiny"
)

var traced = [][]int{{3, 4, 5, 6}, {7, 8, 9}, {10, 11, 12, 13, 14}}

func trace(t *testing.T, model string, o TraceOptions) []TraceStep {
	t.Helper()
	o.Model, o.Batch, o.LR, o.Threads, o.Clip = model, 2, 1e-2, 1, 1
	var out []TraceStep
	if err := (Models{}).Trace(t.Context(), traced, o, func(s TraceStep) error { out = append(out, s); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// A trace is the same each time, learns, and goes on where what it saved left off.
func TestTrace(t *testing.T) {
	base, saved := t.TempDir(), filepath.Join(t.TempDir(), "saved")
	if err := tiny.Model(base, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		first, then    TraceOptions
		model, adapter string // that the result is
	}{
		{"full", TraceOptions{WeightDecay: 0.1}, TraceOptions{}, saved, ""},
		{"lora", TraceOptions{LoRA: true, Rank: 2, Alpha: 4, Targets: []string{"all-linear"}, Seed: 3}, TraceOptions{LoRA: true, Init: saved + "-lora"}, base, saved + "-lora"},
	} {
		c.first.Steps, c.then.Steps, c.first.Save = 8, 1, saved
		if c.adapter != "" {
			c.first.Save = c.adapter
		}
		one := trace(t, base, c.first)
		c.first.Save = ""
		two := trace(t, base, c.first)
		if !reflect.DeepEqual(one, two) || len(one) != 8 || one[7].Step != 7 || !(one[7].Loss < one[0].Loss) || !(one[0].GradNorm > 0) {
			t.Errorf("%s: %+v, then %+v", c.name, one, two)
		}
		m, err := (Models{}).Open(t.Context(), c.model, c.adapter, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		lp, err := m.Score([]Line{{IDs: traced[0]}, {IDs: traced[1]}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := Perplexity(lp...)
		if got := trace(t, c.model, c.then)[0].Loss; math.Abs(got-want) > 1e-5 {
			t.Errorf("%s: the saved result scores %g nats a token, a trace from it begins at %g", c.name, want, got)
		}
	}
}

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.GPT2); err != nil {
		t.Fatal(err)
	}
	m, err := (Models{}).Inspect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, mod := range m.Modules {
		sum += mod.Params
	}
	if sum != m.Params || m.Family != checkpoint.GPT2 || !slices.Contains(m.AllLinear, "transformer.h.0.attn.c_attn") || m.WeightMiB["f32"] != 2*m.WeightMiB["bf16"] {
		t.Errorf("%+v", m)
	}
	w, err := (Models{}).InspectNF4(t.Context(), dir, "transformer.h.0.attn.c_attn.weight")
	if err != nil || len(w.Packed) != 64 || w.Packed == w.Dequantised {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := (Models{}).InspectNF4(t.Context(), dir, "nothing"); err == nil {
		t.Error("a tensor that is not there was quantised")
	}
}

// Ids need no tokenizer.
func TestScoreWithoutTokenizer(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	m, err := (Models{}).Open(t.Context(), dir, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if lp, err := m.Score([]Line{{IDs: []int{3, 4, 5}}}, nil); err != nil || len(lp[0]) != 2 {
		t.Errorf("%v, %v", lp, err)
	}
	if r, err := m.Generate(t.Context(), []Line{{IDs: []int{3, 4}}}, GenerateOptions{MaxNewTokens: 2}); err != nil || len(r[0].IDs) == 0 {
		t.Errorf("%v, %v", r, err)
	}
	text := "a"
	if _, err := m.Score([]Line{{Text: &text}}, nil); err == nil || !strings.Contains(err.Error(), "give ids") {
		t.Errorf("a text without a tokenizer: %v", err)
	}
}

// A model in 4 bits trains by an adapter alone.
// A rate that breaks the model ends the trace with what to do.
func TestTraceEndsWithTheNumbers(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	err := (Models{}).Trace(t.Context(), traced, TraceOptions{Model: dir, Batch: 1, Steps: 5, LR: 1e30}, func(TraceStep) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "lower the learning rate") {
		t.Errorf("a rate of 1e30 gave %v", err)
	}
}

func TestTraceOfAModelInNF4(t *testing.T) {
	const base = "../train/quant/testdata/llama-nf4"
	err := (Models{}).Trace(t.Context(), traced, TraceOptions{Model: base, Batch: 1, Steps: 1}, func(TraceStep) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "in 4 bits") {
		t.Errorf("full training gave %v", err)
	}
	steps := trace(t, base, TraceOptions{LoRA: true, Rank: 2, Targets: []string{"all-linear"}, Steps: 8})
	if len(steps) != 8 || !(steps[7].Loss < steps[0].Loss) {
		t.Errorf("%+v", steps)
	}
}

// What a model's generation_config.json asks for is done, or refused by name.
func TestGenerationConfig(t *testing.T) {
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	generated := func(config string) (int, error) {
		if err := os.WriteFile(filepath.Join(dir, checkpoint.GenerationFile), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := (Models{}).Open(t.Context(), dir, "", 1)
		if err != nil {
			return 0, err
		}
		defer m.Close()
		r, err := m.Generate(t.Context(), []Line{{IDs: []int{3, 4}}}, GenerateOptions{})
		if err != nil {
			return 0, err
		}
		return len(r[0].IDs), nil
	}
	if n, err := generated(`{"max_new_tokens": 3, "repetition_penalty": 1.2, "num_beams": 1, "eos_token_id": [500]}`); n != 3 || err != nil {
		t.Errorf("%d tokens, %v", n, err)
	}
	if _, err := generated(`{"no_repeat_ngram_size": 3}`); err == nil || !strings.Contains(err.Error(), "no_repeat_ngram_size: 3 is not supported") {
		t.Errorf("%v", err)
	}
}

// A line holds one object, and what is traced is not written over.
func TestNothingIsLostQuietly(t *testing.T) {
	if _, err := ReadLines(strings.NewReader(`{"ids":[1]}{"ids":[2]}`), "f", true); err == nil || !strings.Contains(err.Error(), "f:1: something follows") {
		t.Errorf("%v", err)
	}
	if _, err := ReadJSONL[ToTokenize](strings.NewReader(`{"text":"a"} b`), "f"); err == nil || !strings.Contains(err.Error(), "f:1: something follows") {
		t.Errorf("%v", err)
	}
	dir := t.TempDir()
	if err := tiny.Model(dir, checkpoint.Llama); err != nil {
		t.Fatal(err)
	}
	err := (Models{}).Trace(t.Context(), traced, TraceOptions{Model: dir, Steps: 1, Batch: 1, Save: dir}, func(TraceStep) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("%v", err)
	}
}
