//go:build jupyter

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tunelab/tunelab/kernel/install"
)

// TestJupyter runs kernel/testdata/*.py in a real Jupyter client: make kernel-test,
// which names a Python with what requirements.txt lists in TUNELAB_JUPYTER.
func TestJupyter(t *testing.T) {
	python := os.Getenv("TUNELAB_JUPYTER")
	if python == "" {
		t.Fatal("TUNELAB_JUPYTER names no Python: use make kernel-test")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "tunelab-kernel")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := install.Install(install.Place{Prefix: dir}, program, false); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"test_kernel.py", "test_talk.py", "test_robust.py", "play.py"} {
		t.Run(script, func(t *testing.T) {
			cmd := exec.Command(python, "-W", "ignore", filepath.Join("..", "..", "testdata", script))
			cmd.Env = append(os.Environ(), "JUPYTER_PATH="+filepath.Join(dir, "share", "jupyter"), "TUNELAB_KERNEL_HISTORY="+filepath.Join(dir, "history.jsonl"))
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
