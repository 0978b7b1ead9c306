package hub

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The tests run this binary again as a second process that resolves one model.
const asChild = "HUB_TEST_RESOLVE"

func TestMain(m *testing.M) {
	if ref := os.Getenv(asChild); ref != "" {
		dir, commit, err := Resolve(context.Background(), ref, Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(dir, commit)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestTwoProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h, dir := newFake(t), t.TempDir()
	h.mu.Lock() // the requests come from other processes, which order nothing here
	h.before = func(_ http.ResponseWriter, r *http.Request, name string) bool {
		if name == "model.safetensors" && r.Method == http.MethodGet {
			time.Sleep(300 * time.Millisecond) // so that they meet
		}
		return false
	}
	h.mu.Unlock()
	var children []*exec.Cmd
	var outs [2]strings.Builder
	for i := range outs {
		c := exec.CommandContext(t.Context(), self)
		c.Env = []string{asChild + "=hf:owner/name", "HF_HOME=" + dir, "HF_ENDPOINT=" + h.hub.URL, "HOME=" + dir, "HF_TOKEN=" + token}
		c.Stdout, c.Stderr = &outs[i], &outs[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
	}
	want := filepath.Join(dir, "hub", "models--owner--name", "snapshots", commit1)
	for i, c := range children {
		if err := c.Wait(); err != nil || strings.TrimSpace(outs[i].String()) != want+" "+commit1 {
			t.Errorf("%v: %s", err, outs[i].String())
		}
	}
	gets := 0
	for _, r := range h.requests() {
		if r.server == "content" && r.name == "model.safetensors" {
			gets++
		}
	}
	if gets != 1 {
		t.Errorf("the weights were fetched %d times", gets)
	}
	if b, err := os.ReadFile(filepath.Join(want, "model.safetensors")); err != nil || sum256(b) != h.etag("model.safetensors") {
		t.Errorf("%d bytes (%v)", len(b), err)
	}
	for name := range under(t, dir) {
		if strings.Contains(name, ".incomplete") || strings.Contains(name, ".tmp") {
			t.Errorf("%s is left", name)
		}
	}
}

// With the path of a Python that has huggingface_hub in HUB_TEST_PYTHON, the
// cache made here is read by it, and the one that it makes is read here.
func TestPythonReadsTheCache(t *testing.T) {
	python := os.Getenv("HUB_TEST_PYTHON")
	if python == "" {
		t.Skip("HUB_TEST_PYTHON is not set")
	}
	h := newFake(t)
	run := func(dir, script string) string {
		c := exec.CommandContext(t.Context(), python, "-c", script)
		c.Env = []string{"HF_HOME=" + dir, "HF_ENDPOINT=" + h.hub.URL, "HOME=" + dir, "HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_PROGRESS_BARS=1", "PATH=" + os.Getenv("PATH")}
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
		}
		return strings.TrimSpace(string(out))
	}
	dir := t.TempDir()
	got, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	read := `
import huggingface_hub as hub
print(hub.snapshot_download("owner/name", local_files_only=True))
print(hub.try_to_load_from_cache("owner/name", "model.safetensors"))
print(hub.try_to_load_from_cache("owner/name", "adapter_config.json") is hub._CACHED_NO_EXIST)
info = hub.scan_cache_dir()
print(len(info.warnings), [(r.repo_id, [(v.commit_hash, sorted(v.refs), len(v.files)) for v in r.revisions]) for r in info.repos])
`
	want := fmt.Sprintf("%s\n%s/model.safetensors\nTrue\n0 [('owner/name', [('%s', ['main'], %d)])]", got, got, commit1, len(sent))
	if out := run(dir, read); out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}

	dir = t.TempDir()
	theirs := run(dir, `
import huggingface_hub as hub
print(hub.snapshot_download("owner/name", ignore_patterns=["onnx/*"]))
`)
	h.requests()
	ours, commit, err := Resolve(t.Context(), "hf:owner/name", h.options(dir, "HF_HUB_OFFLINE=1"))
	if err != nil || ours != theirs || commit != commit1 {
		t.Errorf("%s at %s (%v), want %s", ours, commit, err, theirs)
	}
	if _, _, err := Resolve(t.Context(), "hf:owner/name", h.options(dir)); err != nil {
		t.Error(err)
	}
	if asked := h.requests(); len(asked) != 1 {
		t.Errorf("beyond the look-up: %v", asked)
	}
}
