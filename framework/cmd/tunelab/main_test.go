package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/spec"
)

var methods = []string{"icl", "cot", "feature", "head", "full", "lora", "qlora", "sft", "rlhf"}

// TestMain builds the nine plugins, which the commands start as a user's do.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tunelab-plugins-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, name := range methods {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "tunelab-plugin-"+name), "../../../plugins/"+name)
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build plugin %s: %v\n%s", name, err, out)
			os.Exit(1)
		}
	}
	lock := filepath.Join(dir, "tunelab.lock")
	if err := lockPlugins(lock, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("TUNELAB_PLUGIN_DIR", dir)
	os.Setenv("TUNELAB_LOCK", lock)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// lockPlugins pins the plugins of dir: they do not lie beside this program.
func lockPlugins(path, dir string) error {
	var plugins []map[string]any
	for _, name := range methods {
		binary := filepath.Join(dir, "tunelab-plugin-"+name)
		raw, err := os.ReadFile(binary)
		if err != nil {
			return err
		}
		out, err := exec.Command(binary, "describe").Output()
		if err != nil {
			return fmt.Errorf("%s describe: %w", name, err)
		}
		var m spec.Method
		if err := json.Unmarshal(out, &m); err != nil {
			return fmt.Errorf("%s describe: %w", name, err)
		}
		plugins = append(plugins, map[string]any{"name": name, "source": "built by the tests", "version": m.Version, "protocol": "1.0",
			"sha256": map[string]string{runtime.GOOS + "_" + runtime.GOARCH: fmt.Sprintf("%x", sha256.Sum256(raw))}})
	}
	raw, err := json.Marshal(map[string]any{"format": 1, "plugins": plugins}) // JSON is YAML too
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}

// tunelab runs a command as the shell would.
func tunelab(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = execute(args, &o, &e)
	return code, o.String(), e.String()
}

// ok runs a command that must succeed.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errOut := tunelab(args...)
	if code != 0 {
		t.Fatalf("tunelab %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

// fromJSON runs a command with --json and reads its output into v.
func fromJSON(t *testing.T, v any, args ...string) {
	t.Helper()
	out := ok(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatalf("tunelab %s --json: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelpOfEveryCommand(t *testing.T) {
	for _, c := range []string{"", "demo", "compare", "run", "runs list", "runs show", "runs diff", "replay", "export", "plugins list", "plugins describe", "plugins docs", "plugins install", "plugins remove", "pretrain", "generate", "score", "weights", "tasks list", "tasks show", "schema", "completion"} {
		code, out, _ := tunelab(append(strings.Fields(c), "--help")...)
		if code != 0 || !strings.Contains(out, "Usage: tunelab "+strings.TrimSpace(c)) {
			t.Errorf("tunelab %s --help: exit code %d, %q", c, code, out)
		}
	}
}

func TestUsageMistakes(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"", "expected one of"},
		{"trian", "unexpected argument trian"},
		{"runs list --sorted", "unknown flag --sorted"},
		{"runs list --status done", "expected one of [pending"},
		{"compare", "give a study file"},
		{"run lora", "give a method and --task"},
		{"run --resume x --task capitals", "give it alone"},
		{"run lora --task capitals -p rank", `--param "rank": expected key=value`},
		{"generate --model embedded --prompt x --max-new-tokens 0", "1 at least"},
		{"score --text x", "give --model DIR or --run ID"},
		{"score --model embedded", "give the input"},
		{"score --run x --ids y", "--ids needs --model"},
		{"generate --model embedded --field a=b", "--field fills"},
		{"generate --model a --run b --prompt c", "can't be used together"},
		{"embed --model embedded --text x --pooling median", "--pooling must be one of"},
		{"embed --model embedded --ids x --prompt-name query", "--prompt-name goes before texts"},
		{"schema run", "must be one of"},
	} {
		code, _, errOut := tunelab(append([]string{"--dir", dir}, strings.Fields(c.args)...)...)
		if code != exitUsage || !strings.Contains(errOut, c.want) {
			t.Errorf("tunelab %s: exit code %d and %q; want %d and %q", c.args, code, errOut, exitUsage, c.want)
		}
	}
}

func TestCompletionKnowsCommandsAndFlags(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out := ok(t, "completion", shell)
		for _, word := range []string{"compare", "replay", "max-new-tokens"} {
			if !strings.Contains(out, word) {
				t.Errorf("the %s script lacks %s", shell, word)
			}
		}
	}
	var words map[string][]string
	if err := json.Unmarshal([]byte(ok(t, "--json", "completion", "bash")), &words); err != nil || !slices.Contains(words["runs"], "diff") || !slices.Contains(words["generate"], "--max-new-tokens") {
		t.Errorf("as JSON: %v, %v", words["runs"], err)
	}
	script := ok(t, "completion", "bash") + "\nCOMP_WORDS=(tunelab runs l); COMP_CWORD=2; _tunelab; echo \"${COMPREPLY[*]}\"\n"
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "list" {
		t.Errorf("completing \"tunelab runs l\" in bash gives %q (%v)", out, err)
	}
}

// The fixture of the package embed tells that the numbers are right.
func TestEmbed(t *testing.T) {
	dir := t.TempDir()
	texts := write(t, dir, "texts.jsonl", `{"text":"the cat"}`+"\n")
	args := []string{"--dir", dir, "embed", "--model", "../../llm/embed/testdata/qwen3", "--text", texts}
	var all struct{ Hidden [][]float64 }
	fromJSON(t, &all, append(args, "--pooling", "none")...)
	var last struct{ Embedding []float64 }
	fromJSON(t, &last, append(args, "--pooling", "lasttoken")...)
	if n := len(all.Hidden); n != 8 || !slices.Equal(all.Hidden[n-1], last.Embedding) {
		t.Errorf("%d hidden states, of which the last is not %v", n, last.Embedding)
	}
	code, _, errOut := tunelab(args...)
	if code == 0 || !strings.Contains(errOut, "no modules.json that says how to pool") {
		t.Errorf("without a pooling: exit code %d, %s", code, errOut)
	}
	if code, _, errOut = tunelab(append(args, "--pooling", "mean", "--prompt-name", "query")...); code == 0 || !strings.Contains(errOut, `prompt "query"`) {
		t.Errorf("with a prompt: exit code %d, %s", code, errOut)
	}
}

func TestScoreAndGenerate(t *testing.T) {
	dir := t.TempDir()
	ids := write(t, dir, "ids.jsonl", `{"ids":[1]}`+"\n")
	var g struct {
		IDs    []int
		Text   string
		Finish string
	}
	fromJSON(t, &g, "--dir", dir, "generate", "--model", "embedded", "--ids", ids, "--max-new-tokens", "20", "--greedy")
	if len(g.IDs) == 0 || g.Text == "" || g.Finish == "" {
		t.Fatalf("generated %+v", g)
	}
	whole, err := json.Marshal(map[string][]int{"ids": append([]int{1}, g.IDs...)})
	if err != nil {
		t.Fatal(err)
	}
	var s struct{ Logprobs []float64 }
	fromJSON(t, &s, "--dir", dir, "score", "--model", "embedded", "--ids", write(t, dir, "whole.jsonl", string(whole)))
	if len(s.Logprobs) != len(g.IDs) {
		t.Errorf("%d log-probabilities for %d tokens after the first", len(s.Logprobs), len(g.IDs))
	}
	for i, v := range s.Logprobs {
		if v > 0 || v < -12 {
			t.Errorf("log-probability %d of a greedy continuation is %v", i, v)
		}
	}
	table := ok(t, "--dir", dir, "score", "--model", "embedded", "--text", write(t, dir, "text.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two apples\"}\n"))
	if !strings.Contains(table, "PERPLEXITY") || strings.Count(table, "\n") != 4 {
		t.Errorf("the table of two texts:\n%s", table)
	}
	// Greedy text does not depend on the other prompts of the call.
	one := ok(t, "--dir", dir, "generate", "--model", "embedded", "--prompt", "Question: What is the capital", "--max-new-tokens", "8")
	two := ok(t, "--dir", dir, "generate", "--model", "embedded", "--prompt", "Tom has", "--prompt", "Question: What is the capital", "--max-new-tokens", "8")
	if !strings.HasSuffix(two, one) {
		t.Errorf("alone %q, beside another prompt %q", one, two)
	}
}

func TestTasksAndPlugins(t *testing.T) {
	dir := t.TempDir()
	var tasks []struct {
		Task        struct{ Name, Kind, Metric string }
		Train, Test int
	}
	fromJSON(t, &tasks, "--dir", dir, "tasks", "list")
	if len(tasks) != 5 {
		t.Errorf("%d embedded tasks, want 5", len(tasks))
	}
	for _, k := range tasks {
		if out := ok(t, "--dir", dir, "tasks", "show", k.Task.Name); !strings.Contains(out, k.Task.Metric) || k.Train == 0 || k.Test == 0 {
			t.Errorf("task %+v: %s", k, out)
		}
	}
	var plugins []listedPlugin
	fromJSON(t, &plugins, "--dir", dir, "plugins", "list")
	found := map[string]bool{}
	for _, p := range plugins {
		found[p.Name] = p.Error == "" && p.Version != ""
	}
	for _, m := range methods {
		var p struct {
			Method struct{ Citation, Version string }
			Schema struct {
				Params []struct{ Name, Description string }
			}
		}
		fromJSON(t, &p, "--dir", dir, "plugins", "describe", m)
		if !found[m] || p.Method.Citation == "" || p.Method.Version == "" {
			t.Errorf("plugin %s is not usable or has no citation", m)
		}
		for _, q := range p.Schema.Params {
			if q.Description == "" {
				t.Errorf("plugin %s: parameter %s has no description", m, q.Name)
			}
		}
		if out := ok(t, "--dir", dir, "plugins", "describe", m); !strings.Contains(out, "parameters:") {
			t.Errorf("plugins describe %s: %s", m, out)
		}
	}
}
