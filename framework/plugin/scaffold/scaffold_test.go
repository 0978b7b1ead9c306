package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func checkout(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// What is written is vetted, built and tested, its conformance test included:
// the adapter in every test run, the method with TUNELAB_LONG.
func TestWrittenPluginPassesItsTests(t *testing.T) {
	levels, targets := []string{Adapter}, []string{"test", "build"}
	long := os.Getenv("TUNELAB_LONG") != ""
	if long { // a release compiles everything anew, without this machine's paths
		levels, targets = append(levels, Method), append(targets, "release")
	}
	for _, level := range levels {
		t.Run(level, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "made")
			if _, err := Write(Options{Name: "my-" + level, Level: level, Dir: dir, Checkout: checkout(t)}); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("not formatted: %s %v", out, err)
			}
			for _, target := range targets {
				cmd := exec.Command("make", target)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("make %s: %v\n%s", target, err, out)
				}
			}
			sums, err := os.ReadFile(filepath.Join(dir, "dist", "SHA256SUMS"))
			if long && (err != nil || !strings.Contains(string(sums), "tunelab-plugin-my-"+level+"_v0.1.0_p1.0_")) {
				t.Errorf("checksums: %q %v", sums, err)
			}
			if _, err := Write(Options{Name: "my-" + level, Level: level, Dir: dir, Checkout: checkout(t)}); err == nil || !strings.Contains(err.Error(), "not empty") {
				t.Errorf("written over: %v", err)
			}
		})
	}
}

func TestMistakesAreRefused(t *testing.T) {
	good := Options{Name: "mine", Level: Adapter, Dir: t.TempDir(), Checkout: checkout(t)}
	for want, change := range map[string]func(*Options){
		"lower-case":     func(o *Options) { o.Name = "My_Method" },
		"comes with":     func(o *Options) { o.Name = "lora" },
		"choose adapter": func(o *Options) { o.Level = "whole" },
		"no checkout":    func(o *Options) { o.Checkout = t.TempDir() },
	} {
		o := good
		change(&o)
		if _, err := Write(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
	if left, err := os.ReadDir(good.Dir); err != nil || len(left) > 0 {
		t.Errorf("something was written: %v %v", left, err)
	}
}
