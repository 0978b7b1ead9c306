package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

func written(t *testing.T, level string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "made")
	if _, err := Write(Options{Name: "my-" + level, Level: level, Dir: dir, Checkout: checkout(t)}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs make in a folder, without the variables of a make around this test.
func run(dir string, args ...string) (string, error) {
	cmd := exec.Command("make", args...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS") || strings.HasPrefix(v, "CC_") || strings.HasPrefix(v, "PLATFORMS=")
	})
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// What is written is vetted, built and tested, its conformance test included:
// the adapter in every test run, the method with TUNELAB_LONG.
func TestWrittenPluginPassesItsTests(t *testing.T) {
	levels := []string{Adapter}
	if os.Getenv("TUNELAB_LONG") != "" {
		levels = append(levels, Method)
	}
	for _, level := range levels {
		t.Run(level, func(t *testing.T) {
			dir := written(t, level)
			if out, err := exec.Command("gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("not formatted: %s %v", out, err)
			}
			for _, target := range []string{"test", "build"} {
				if out, err := run(dir, target); err != nil {
					t.Fatalf("make %s: %v\n%s", target, err, out)
				}
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
