package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// elsewhere leaves this folder for an empty one in which nothing is locked, and
// gives the lora plugin's binary and digest.
func elsewhere(t *testing.T) (binary, sum string) {
	t.Helper()
	binary = filepath.Join(os.Getenv("TUNELAB_PLUGIN_DIR"), "tunelab-plugin-lora")
	raw, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TUNELAB_PLUGIN_DIR", "")
	t.Setenv("TUNELAB_LOCK", "")
	t.Setenv("HOME", t.TempDir())
	t.Chdir(t.TempDir())
	return binary, fmt.Sprintf("%x", sha256.Sum256(raw))
}

type listedPlugin struct{ Name, Version, Path, Place, State, Error string }

func TestPluginIsInstalledListedAndRemoved(t *testing.T) {
	binary, sum := elsewhere(t)
	if code, _, errOut := tunelab("plugins", "install", binary, "--name-from-describe"); code != exitUsage || !strings.Contains(errOut, "--sha256") {
		t.Errorf("without a digest: exit code %d, %q", code, errOut)
	}
	ok(t, "plugins", "install", binary, "--sha256", sum, "--name-from-describe", "--constraint", ">=0.1.0")
	lock, err := os.ReadFile("tunelab.lock")
	for _, w := range []string{"name: lora", sum, runtime.GOOS + "_" + runtime.GOARCH, ">=0.1.0", "source: tunelab-plugin-lora\n"} {
		if err != nil || !strings.Contains(string(lock), w) {
			t.Errorf("the lock lacks %q: %v\n%s", w, err, lock)
		}
	}
	var list []listedPlugin
	fromJSON(t, &list, "plugins", "list")
	if out := ok(t, "plugins", "list"); !strings.Contains(out, "not started: tunelab plugins describe lora starts it") || !strings.Contains(out, "0.1.0") {
		t.Errorf("listed:\n%s", out)
	}
	if len(list) != 1 || list[0].State != "locked" || list[0].Place != "./.tunelab/plugins" || !strings.HasPrefix(filepath.Base(list[0].Path), "tunelab-plugin-lora_v") {
		t.Fatalf("listed %+v", list)
	}
	if out := ok(t, "plugins", "describe", "lora"); !strings.Contains(out, "state") || !strings.Contains(out, "locked") || !strings.Contains(out, "resumes from a checkpoint") {
		t.Errorf("described:\n%s", out)
	}

	// The file changes after the install.
	f, err := os.OpenFile(list[0].Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if code, _, errOut := tunelab("plugins", "describe", "lora"); code != exitError || !strings.Contains(errOut, "has changed since it was installed") {
		t.Errorf("a changed file: exit code %d, %q", code, errOut)
	}
	if out := ok(t, "plugins", "list"); !strings.Contains(out, "refused") || !strings.Contains(out, "has changed") {
		t.Errorf("listed:\n%s", out)
	}

	ok(t, "plugins", "remove", "lora")
	if out := ok(t, "plugins", "list"); strings.Contains(out, "lora") {
		t.Errorf("after the removal:\n%s", out)
	}
}

func TestUnlockedPluginNeedsTheOverride(t *testing.T) {
	binary, _ := elsewhere(t)
	code, _, errOut := tunelab("plugins", "describe", "lora", "--plugin", binary)
	if code != exitError || !strings.Contains(errOut, "is refused") || !strings.Contains(errOut, "--unlocked") || !strings.Contains(errOut, "tunelab plugins install") {
		t.Errorf("exit code %d, %q", code, errOut)
	}
	code, out, errOut := tunelab("plugins", "describe", "lora", "--plugin", binary, "--unlocked")
	if code != 0 || !strings.Contains(out, "unlocked") || !strings.Contains(errOut, "warning: plugin lora") {
		t.Errorf("with --unlocked: exit code %d, %q, %q", code, out, errOut)
	}
	t.Setenv("TUNELAB_UNLOCKED", "1")
	run := []string{"run", "icl", "-t", "capitals", "-p", "k=0", "--plugin", strings.TrimSuffix(binary, "lora") + "icl", "--max-files", "64"}
	if runtime.GOOS != "linux" {
		run = run[:len(run)-2]
	}
	code, _, errOut = tunelab(run...)
	if code != 0 || !strings.Contains(errOut, "warning: plugin icl") {
		t.Fatalf("the run: exit code %d, %q", code, errOut)
	}
	var runs []struct{ ID string }
	fromJSON(t, &runs, "runs", "list")
	if shown := ok(t, "runs", "show", runs[0].ID); !strings.Contains(shown, "no lock file held its plugin") {
		t.Errorf("the run shows:\n%s", shown)
	}
}

func TestPluginPagesAreTheSameEachTime(t *testing.T) {
	dir := t.TempDir()
	read := func(name string) map[string]string {
		ok(t, "--dir", filepath.Join(dir, "state"), "plugins", "docs", "--all", "--out", filepath.Join(dir, name))
		files, err := filepath.Glob(filepath.Join(dir, name, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		pages := map[string]string{}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			pages[filepath.Base(f)] = string(raw)
		}
		return pages
	}
	a, b := read("a"), read("b")
	for _, m := range append([]string{"index"}, methods...) {
		if p := a[m+".md"]; p == "" || p != b[m+".md"] {
			t.Errorf("the page of %s is empty or differs: %q", m, p)
		}
	}
	if !strings.Contains(a["lora.md"], "| `rank` |") || !strings.Contains(a["index.md"], "(lora.md)") {
		t.Errorf("lora's page:\n%s", a["lora.md"])
	}
}
