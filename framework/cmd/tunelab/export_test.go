package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/base"
)

// What is exported as a model answers, without its run, as the run does.
func TestExport(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	model, err := base.Unpack(dir)
	if err != nil {
		t.Fatal(err)
	}
	const generation = `{"eos_token_id": [2], "max_new_tokens": 5}`
	write(t, model, "generation_config.json", generation)
	text := write(t, dir, "text.jsonl", `{"text":"the dog and the cat"}`)

	run := func(method string, args ...string) string {
		t.Helper()
		ok(t, append([]string{"--dir", state, "run", method, "-m", model, "--examples", "16"}, args...)...)
		return runsOf(t, state, method)[0].ID // the newest
	}
	export := func(id string, args ...string) (to string, x struct {
		Kind       string
		Difference *float64 `json:"merge_logprob_diff"`
	}) {
		t.Helper()
		to = filepath.Join(t.TempDir(), "out")
		fromJSON(t, &x, append([]string{"--dir", state, "export", id, "--to", to}, args...)...)
		return to, x
	}
	score := func(args ...string) []float64 {
		t.Helper()
		var s struct{ Logprobs []float64 }
		fromJSON(t, &s, append([]string{"--dir", state, "score", "--text", text}, args...)...)
		return s.Logprobs
	}
	same := func(what string, got, want []float64) {
		t.Helper()
		if len(got) != len(want) || len(got) == 0 {
			t.Fatalf("%s: %d log-probabilities, the run gives %d", what, len(got), len(want))
		}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-4 {
				t.Errorf("%s: log-probability %d is %g, the run's %g", what, i, got[i], want[i])
			}
		}
	}

	for _, c := range []struct {
		method string
		args   []string
		kind   string // without --merge
	}{
		{"lora", []string{"-p", "objective=completion"}, "adapter"},
		{"qlora", []string{"-p", "objective=completion", "-p", "target_modules=q_proj,down_proj"}, "adapter"},
		{"full", nil, "model"},
		{"sft", []string{"-p", "adapter=lora"}, "adapter"},
	} {
		id := run(c.method, append(c.args, "-t", "capitals", "-p", "max_steps=2")...)
		want := score("--run", id)
		plain, x := export(id)
		if x.Kind != c.kind || x.Difference != nil {
			t.Errorf("%s is exported as %+v", c.method, x)
		}
		if c.kind == "model" {
			same(c.method, score("--model", plain), want)
		} else if c.method == "lora" { // qlora's base is not this model, and sft's adapter is merged for good
			same(c.method, score("--model", model, "--adapter", plain), want)
		}
		merged, x := export(id, "--merge")
		if x.Kind != "model" || (x.Difference != nil) != strings.HasSuffix(c.method, "lora") || x.Difference != nil && !(*x.Difference < 1e-4) {
			t.Errorf("%s is merged as %+v", c.method, x)
		}
		same(c.method+" merged", score("--model", merged), want)
		if raw, err := os.ReadFile(filepath.Join(merged, "generation_config.json")); err != nil || string(raw) != generation {
			t.Errorf("%s merged: generation_config.json %q (%v)", c.method, raw, err)
		}
		if _, err := os.Stat(filepath.Join(merged, "adapter_config.json")); err == nil {
			t.Errorf("%s merged: transformers would look for an adapter in the folder", c.method)
		}
	}

	to := filepath.Join(dir, "refused")
	icl := run("icl", "-t", "capitals")
	for id, want := range map[string]string{icl: "neither a PEFT adapter nor a model", "zzz": "zzz"} {
		if code, _, errOut := tunelab("--dir", state, "export", id, "--merge", "--to", to); code == 0 || !strings.Contains(errOut, want) {
			t.Errorf("export of %s: exit code %d, %s", id, code, errOut)
		}
		if _, err := os.Stat(to); err == nil {
			t.Error("a refused export left a folder")
		}
	}
	for _, args := range [][]string{{}, {to, "--to", to}} {
		if code, _, errOut := tunelab(append([]string{"--dir", state, "export", icl}, args...)...); code != exitUsage || !strings.Contains(errOut, "--to DIR") {
			t.Errorf("export %v: exit code %d, %s", args, code, errOut)
		}
	}
}

// An adapter of PEFT's DoRA, and adapters of other types.
func TestScoreWithAdapters(t *testing.T) {
	dir, peft := t.TempDir(), "../../train/peft/testdata"
	ids := write(t, dir, "ids.jsonl", `{"ids":[1,5,9,33,2,60,7]}`)
	for _, name := range []string{"llama-dora", "llama-saved", "llama-default"} {
		var s struct{ Logprobs []float64 }
		fromJSON(t, &s, "--dir", dir, "score", "--model", "../../llm/model/testdata/llama", "--adapter", filepath.Join(peft, name), "--ids", ids)
		raw, err := os.ReadFile(filepath.Join(peft, name, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var x struct {
			Seqs   [][]int
			Logits [][]float64
		}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		for i, got := range s.Logprobs {
			row := x.Logits[0][64*i : 64*(i+1)]
			sum := 0.0
			for _, v := range row {
				sum += math.Exp(v)
			}
			if want := row[x.Seqs[0][i+1]] - math.Log(sum); math.Abs(got-want) > 2e-4 {
				t.Errorf("%s: log-probability %d is %g, PEFT's %g", name, i, got, want)
			}
		}
		if len(s.Logprobs) != 6 {
			t.Errorf("%s: %d log-probabilities", name, len(s.Logprobs))
		}
	}
	for _, kind := range []string{"IA3", "PROMPT_TUNING"} {
		folder := t.TempDir()
		write(t, folder, "adapter_config.json", `{"peft_type": "`+kind+`", "num_virtual_tokens": 4}`)
		for _, command := range [][]string{{"score"}, {"generate", "--max-new-tokens", "2"}} {
			args := append([]string{"--dir", dir}, append(command, "--model", "../../llm/model/testdata/llama", "--adapter", folder, "--ids", ids)...)
			if code, _, errOut := tunelab(args...); code == 0 || !strings.Contains(errOut, `peft_type: "`+kind+`" is not supported`) {
				t.Errorf("%s with %s: exit code %d, %s", command[0], kind, code, errOut)
			}
		}
	}
}
