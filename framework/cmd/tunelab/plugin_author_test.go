package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/conformance"
	"github.com/tunelab/tunelab/framework/plugin/trust"
)

// sourceFolder is the checkout's folder, for a plugin's go.mod.
func sourceFolder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestNewPluginIsWritten(t *testing.T) {
	checkout := sourceFolder(t)
	t.Chdir(t.TempDir())
	for _, level := range []string{"adapter", "method"} {
		var made struct {
			Dir, Checkout string
			Files         []string
		}
		fromJSON(t, &made, "plugin", "new", "my-"+level, "--level", level, "--module-path", checkout)
		for _, f := range []string{level + ".go", "go.mod", "main.go", "method_test.go", "Makefile", "release.sh", "README.md", ".github/workflows/test.yml"} {
			if _, err := os.Stat(filepath.Join(made.Dir, f)); err != nil || !slices.Contains(made.Files, f) {
				t.Errorf("%s: %v; listed %v", f, err, made.Files)
			}
		}
		mod, err := os.ReadFile(filepath.Join(made.Dir, "go.mod"))
		if err != nil || made.Dir != "tunelab-plugin-my-"+level || !strings.Contains(string(mod), "replace github.com/tunelab/tunelab => "+checkout+"\n") {
			t.Errorf("in %s: %v\n%s", made.Dir, err, mod)
		}
	}
	if out := ok(t, "plugin", "new", "third", "--module-path", checkout); !strings.Contains(out, "next: cd tunelab-plugin-third && make test") {
		t.Errorf("it does not say how to go on:\n%s", out)
	}
	for what, args := range map[string][]string{
		"is not empty":      {"third", "--module-path", checkout},
		"comes with":        {"lora", "--module-path", checkout},
		"--module-path DIR": {"fourth"},
		"is not that of":    {"fourth", "--module-path", "."},
	} {
		if code, _, errOut := tunelab(append([]string{"plugin", "new"}, args...)...); code == 0 || !strings.Contains(errOut, what) {
			t.Errorf("%v: exit code %d, %q, expected %q", args, code, errOut, what)
		}
	}
}

func TestPluginIsTried(t *testing.T) {
	lora := filepath.Join(os.Getenv("TUNELAB_PLUGIN_DIR"), "tunelab-plugin-lora")
	var r conformance.Report
	fromJSON(t, &r, "plugin", "test", lora, "--waive", "slow-reader=it takes a second")
	if r.Method != "lora" || len(r.Results) != len(conformance.Checks()) || len(r.Failed()) > 0 {
		t.Errorf("tried %s: %d results, failed: %+v", r.Method, len(r.Results), r.Failed())
	}
	for _, x := range r.Results {
		if x.Check == "slow-reader" && (x.Outcome != conformance.NotApplicable || !strings.Contains(x.Found, "it takes a second")) {
			t.Errorf("waived: %+v", x)
		}
	}

	no := filepath.Join(t.TempDir(), "no-plugin")
	if err := os.WriteFile(no, []byte("#!/bin/sh\necho hello\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := tunelab("plugin", "test", no)
	if code != exitError || !strings.Contains(out, "what to do: print nothing to stdout") || !strings.Contains(errOut, "does not conform: handshake") {
		t.Errorf("no plugin: exit code %d, %q\n%s", code, errOut, out)
	}
	if code, _, errOut := tunelab("plugin", "test", no, "--waive", "luck=none"); code == 0 || !strings.Contains(errOut, `no check "luck"`) {
		t.Errorf("a check that does not exist: exit code %d, %q", code, errOut)
	}
	if help := ok(t, "plugin", "test", "--help"); !strings.Contains(help, "unmerge-weights") {
		t.Errorf("help lists no checks:\n%s", help)
	}
}

// A new plugin of each level, unchanged: tested, released, tried, installed by
// the digest in its SHA256SUMS, listed.
func TestNewPluginIsReleasedAndInstalled(t *testing.T) {
	if os.Getenv("TUNELAB_LONG") == "" {
		t.Skip("a release compiles everything anew: make test-all")
	}
	checkout := sourceFolder(t)
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} { // elsewhere has another home folder
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, strings.TrimSpace(string(out)))
	}
	elsewhere(t)
	for _, level := range []string{"adapter", "method"} {
		name := "my-" + level
		ok(t, "plugin", "new", name, "--level", level, "--module-path", checkout)
		dist := filepath.Join("tunelab-plugin-"+name, "dist")
		for _, target := range []string{"test", "build", "release"} {
			cmd := exec.Command("make", "-C", filepath.Dir(dist), target)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("make %s: %v\n%s", target, err, out)
			}
		}
		ok(t, "plugin", "test", filepath.Join(dist, "tunelab-plugin-"+name))
		file := "tunelab-plugin-" + name + "_v0.1.0_p1.0_" + trust.Platform()
		release := filepath.Join("tunelab-plugin-"+name, "release")
		sums, err := os.ReadFile(filepath.Join(release, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		digest := ""
		for line := range strings.Lines(string(sums)) {
			if f := strings.Fields(line); len(f) == 2 && strings.TrimPrefix(f[1], "*") == file {
				digest = f[0]
			}
		}
		if out := ok(t, "plugins", "install", filepath.Join(release, file), "--sha256", digest); !strings.Contains(out, "installed "+name+" 0.1.0") {
			t.Errorf("installed: %s", out)
		}
	}
	var list []listedPlugin
	fromJSON(t, &list, "plugins", "list")
	if len(list) != 2 || list[0].State != "locked" || list[1].State != "locked" {
		t.Errorf("listed %+v", list)
	}
}
