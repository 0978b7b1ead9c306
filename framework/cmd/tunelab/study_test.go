package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/tracking"
)

// small is the nine methods at the size of a test: what they learn is not the
// point, that every cell is filled or says why is.
const small = `
name: small
tasks: [capitals, wordproblems, sentiment, instructions, explain]
test: 10
budget: {examples: 32}
methods:
  - {name: icl, params: {k: 2}}
  - {name: cot, params: {k: 2}}
  - {name: feature}
  - {name: head, params: {epochs: 1}}
  - {name: full, params: {epochs: 1}}
  - {name: lora, params: {epochs: 1}}
  - {name: qlora, params: {epochs: 1}}
  - {name: sft, params: {epochs: 1}}
  - {name: rlhf, params: {sft_epochs: 1, reward_epochs: 1, ppo_total_episodes: 64}}
`

type listed struct {
	ID, Method, Stage, Task, Status, Reason string
	Seed                                    int64
	Score                                   *tracking.Score
}

func runsOf(t *testing.T, dir, method string) []listed {
	t.Helper()
	var all, out []listed
	fromJSON(t, &all, "--dir", dir, "runs", "list")
	for _, r := range all {
		if r.Method == method {
			out = append(out, r)
		}
	}
	return out
}

func TestNineMethodsInOneTable(t *testing.T) {
	dir := t.TempDir()
	study := write(t, dir, "small.yaml", small)
	state := filepath.Join(dir, "state")
	table := ok(t, "--dir", state, "compare", study)
	for _, m := range append([]string{"majority class", "base zero-shot"}, methods...) {
		if !strings.Contains(table, m) {
			t.Errorf("the table lacks %s", m)
		}
	}
	var runs []listed
	fromJSON(t, &runs, "--dir", state, "runs", "list")
	by := map[string]int{}
	for _, r := range runs {
		if r.Status != "finished" || r.Seed != 42 {
			t.Errorf("run %s of %s on %s: %s %s", r.ID, r.Method, r.Task, r.Status, r.Reason)
		}
		by[r.Method]++
	}
	for _, m := range methods {
		if by[m] == 0 {
			t.Errorf("no run of %s is recorded", m)
		}
	}
	if by["rlhf"] != 3 {
		t.Errorf("rlhf left %d runs, want one for each of its three stages", by["rlhf"])
	}
	report := filepath.Join(state, "reports", "small")
	for _, f := range []string{"report.html", "table.md", "table.csv", "results.json"} {
		if raw, err := os.ReadFile(filepath.Join(report, f)); err != nil || !strings.Contains(string(raw), "qlora") {
			t.Errorf("%s: %v, or it lacks qlora", f, err)
		}
	}
	if figures, err := filepath.Glob(filepath.Join(report, "figures", "*.svg")); err != nil || len(figures) == 0 {
		t.Errorf("no figures: %v", err)
	}

	t.Run("again takes what is there", func(t *testing.T) {
		second := ok(t, "--dir", state, "compare", study)
		var after []listed
		fromJSON(t, &after, "--dir", state, "runs", "list")
		if len(after) != len(runs) {
			t.Errorf("the second time made %d runs more", len(after)-len(runs))
		}
		if second != table {
			t.Errorf("the second table differs:\n%s\n%s", second, table)
		}
		if shown := ok(t, "--dir", state, "compare", "--show", "small"); shown != table {
			t.Errorf("--show differs:\n%s", shown)
		}
	})
	t.Run("replay", func(t *testing.T) {
		for _, m := range []string{"lora", "rlhf"} {
			out := ok(t, "--dir", state, "replay", runsOf(t, state, m)[0].ID)
			if !strings.Contains(out, "bit-identical: ") {
				t.Errorf("replay of %s: %s", m, out)
			}
		}
		if code, _, errOut := tunelab("--dir", state, "replay", "zzz"); code != exitCannot || !strings.Contains(errOut, "zzz") {
			t.Errorf("replay of no run: exit code %d, %s", code, errOut)
		}
	})
	t.Run("a result is of use", func(t *testing.T) {
		lora, sft := runsOf(t, state, "lora"), runsOf(t, state, "sft")
		var shown struct {
			Params    []any
			Scores    []any
			Artifacts []tracking.ArtifactRef
			Cost      struct {
				Trainable int64   `json:"trainable_params"`
				FLOPs     float64 `json:"flops"`
				Peak      int64   `json:"peak_memory_bytes"`
			}
		}
		fromJSON(t, &shown, "--dir", state, "runs", "show", lora[0].ID)
		if len(shown.Params) == 0 || len(shown.Scores) == 0 || len(shown.Artifacts) == 0 || shown.Cost.Trainable == 0 || shown.Cost.FLOPs == 0 || shown.Cost.Peak == 0 {
			t.Errorf("run of lora: %+v", shown)
		}
		to := filepath.Join(dir, "adapter")
		ok(t, "--dir", state, "export", lora[0].ID, to)
		var cfg struct {
			Type string `json:"peft_type"`
		}
		raw, err := os.ReadFile(filepath.Join(to, "adapter_config.json"))
		if err != nil || json.Unmarshal(raw, &cfg) != nil || cfg.Type != "LORA" {
			t.Errorf("the exported adapter_config.json: %v, %s", err, raw)
		}
		if out := ok(t, "--dir", state, "weights", "--run", lora[0].ID); !strings.Contains(out, "lora_A") {
			t.Errorf("weights of lora:\n%s", out)
		}
		if out := ok(t, "--dir", state, "generate", "--run", sft[0].ID, "--prompt", "Repeat the words: dog cat\n"); strings.TrimSpace(out) == "" {
			t.Error("the tuned model says nothing")
		}
		text := write(t, dir, "text.jsonl", `{"text":"the dog and the cat"}`)
		var lp struct{ Logprobs []float64 }
		fromJSON(t, &lp, "--dir", state, "score", "--run", sft[0].ID, "--text", text)
		if len(lp.Logprobs) == 0 {
			t.Error("no log-probabilities of a run")
		}
		diff := ok(t, "--dir", state, "runs", "diff", lora[0].ID, sft[0].ID)
		if !strings.Contains(diff, "method") || !strings.Contains(diff, "first difference") {
			t.Errorf("diff:\n%s", diff)
		}
		if out := ok(t, "--dir", state, "runs", "show", lora[0].ID, "--metrics"); !strings.Contains(out, "train/loss") {
			t.Errorf("metrics:\n%s", out)
		}
		var log struct{ Run, Log string }
		fromJSON(t, &log, "--dir", state, "runs", "show", lora[0].ID, "--log")
		if text := ok(t, "--dir", state, "runs", "show", lora[0].ID, "--log"); log.Run != lora[0].ID || text != log.Log+"\n" {
			t.Errorf("log: %+v, as text %q", log, text)
		}
	})
}
