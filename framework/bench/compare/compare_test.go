package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sides are programs that answer as the two sides do: tunelab is three times as
// fast in a fifth of the memory, and has no bf16.
func sides(t *testing.T) *run {
	t.Helper()
	dir := t.TempDir()
	program := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho \"$*\" >> "+dir+"/calls\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return &run{threads: 2, rounds: 2, script: "bench.py",
		tunelab: program("tunelab", `case "$*" in
*bf16*) echo 'tunelab: precision: not yet' >&2; exit 1;;
*distilbert*) echo 'tunelab: out of memory' >&2; exit 1;;
esac
echo '{"tokens_per_second": 300, "peak_memory_bytes": 1073741824, "machine": {"cpu": "a processor", "cores": 4}}'`),
		python: program("python", `echo '{"tokens_per_second": 100, "peak_memory_bytes": 5368709120, "versions": {"torch": "2.15.0", "peft": "0.21.2"}}'`)}
}

func TestTable(t *testing.T) {
	r := sides(t)
	out := filepath.Join(t.TempDir(), "page.md")
	if err := r.all(t.Context(), "gpt2-lora,tiny-generate-1", out); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| GPT-2 124M, LoRA, B4 T64 | f32 | f32 | 300 | 100 | 3.00 | >= 1.8 | 1.00 | 5.00 | 0.20 | <= 0.4 |\n",
		"| GPT-2 124M, LoRA, B4 T64 | bf16 | bf16 | - | 100 | - | >= 2.5 | - | 5.00 | - | <= 0.4 |\n",
		"| greedy generation, Llama 3M, 1 stream | f32 | f32 | 300 | 100 | 3.00 | >= 15 | 1.00 | 5.00 | 0.20 |  |\n",
		"does not compute in bf16 yet", "a processor, 4 cores", "peft 0.21.2, torch 2.15.0",
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the page lacks %q:\n%s", want, raw)
		}
	}
	calls, err := os.ReadFile(filepath.Join(filepath.Dir(r.tunelab), "calls"))
	if err != nil {
		t.Fatal(err)
	}
	// Two rounds of f32, the second in the other order; bf16 is asked of each side once.
	var order []string
	for _, l := range strings.Split(strings.TrimSpace(string(calls)), "\n")[:6] {
		side, precision := "torch", "f32"
		if strings.HasPrefix(l, "bench ") {
			side = "ours"
		}
		if strings.Contains(l, "bf16") {
			precision = "bf16"
		}
		order = append(order, side+" "+precision)
	}
	if got := fmt.Sprint(order); got != "[ours f32 torch f32 ours bf16 torch bf16 torch f32 ours f32]" {
		t.Errorf("measured in the order %s", got)
	}
}

func TestFailuresEndIt(t *testing.T) {
	r := sides(t)
	if err := r.all(t.Context(), "distilbert-full", ""); err == nil || !strings.Contains(err.Error(), "out of memory") || !strings.Contains(err.Error(), "distilbert-full") {
		t.Errorf("got %v", err)
	}
	if err := r.all(t.Context(), "gpt3", ""); err == nil || !strings.Contains(err.Error(), "tiny-full") {
		t.Errorf("got %v", err)
	}
}

func TestGoLibrariesMultiply(t *testing.T) {
	for _, form := range [][2]int{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
		p := product{m: 3, n: 5, k: 4, ta: form[0], tb: form[1]}
		gonum(p)() // a shape that does not fit panics
		gorgonia(p)()
	}
	if r := (product{m: 3, n: 5, k: 4}).rate(func() { time.Sleep(time.Millisecond) }); r <= 0 || r > 2*3*5*4/1e-3/1e9 {
		t.Errorf("120 operations in a millisecond or more are %g GFLOP/s", r)
	}
}
