package main

import (
	"os"
	"strings"
	"testing"
)

// The measuring process is this program again.
func init() {
	if len(os.Args) == 3 && os.Args[1] == worker[0] && os.Args[2] == worker[1] {
		os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
	}
}

func TestBenchTrain(t *testing.T) {
	var r struct {
		TokensPerSecond float64   `json:"tokens_per_second"`
		StepMSMedian    float64   `json:"step_ms_median"`
		PeakMemory      int64     `json:"peak_memory_bytes"`
		Losses          []float64 `json:"losses"`
		Machine         struct{ Features string }
	}
	held := make([]byte, 1<<30) // of this process, not of the one that works
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	fromJSON(t, &r, "bench", "train", "--config", "tiny", "--method", "lora", "--batch", "1", "--seq", "8", "--steps", "2", "--precision", "f32", "--threads", "1")
	if held[4096] == 1 && (r.PeakMemory < 12<<20 || r.PeakMemory > 500<<20) {
		t.Errorf("3M weights took %d bytes", r.PeakMemory)
	}
	if r.TokensPerSecond <= 0 || r.StepMSMedian <= 0 || len(r.Losses) != 2 || r.Machine.Features == "" {
		t.Errorf("%+v", r)
	}
	text := ok(t, "bench", "train", "--batch", "1", "--seq", "8", "--steps", "2", "--profile")
	for _, want := range []string{"tokens a second", "OP AND ARGUMENTS", "attention_grad N=8", "(outside of ops)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the profile lacks %q:\n%s", want, text)
		}
	}
}

func TestBenchGenerateAndKernels(t *testing.T) {
	var g map[string]any
	fromJSON(t, &g, "bench", "generate", "--prompt", "4", "--new-tokens", "3", "--rounds", "1", "--streams", "2", "--precision", "nf4")
	for _, key := range []string{"tokens_per_second", "prefill_tokens_per_second"} {
		if v, _ := g[key].(float64); v <= 0 {
			t.Errorf("%s is %v", key, g[key])
		}
	}
	if out := ok(t, "bench", "kernels", "--op", "rope", "--span", "2ms"); !strings.Contains(out, "OF PEAK") || !strings.Contains(out, "N=1024 H=6 D=32") {
		t.Errorf("kernels prints %s", out)
	}
}

func TestBenchRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"bench train --seq 1":     "one to predict",
		"bench kernels --op conv": "none begins with conv",
	} {
		if code, _, errOut := tunelab(strings.Fields(args)...); code != exitError || !strings.Contains(errOut, want) {
			t.Errorf("tunelab %s: exit code %d and %q; want %q", args, code, errOut, want)
		}
	}
	if code, _, errOut := tunelab("bench", "train", "--config", "gpt5"); code != exitUsage || !strings.Contains(errOut, "must be one of") {
		t.Errorf("exit code %d and %q", code, errOut)
	}
}
