package host

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
)

// kind names an error's type.
func kind(err error) string {
	var crashed *CrashedError
	var hung *HungError
	var protocol *ProtocolError
	var memory *MemoryError
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &crashed):
		return "crashed"
	case errors.As(err, &hung):
		return "hung"
	case errors.As(err, &protocol):
		return "protocol"
	case errors.As(err, &memory):
		return "memory"
	}
	return "other"
}

func TestFaultsOfARun(t *testing.T) {
	for _, c := range []struct {
		fault, kind string
		want        []string // in the error
	}{
		{"exit", "crashed", []string{"exit status 4", "giving up"}},
		{"kill", "crashed", []string{"signal: killed"}},
		{"panic-go", "crashed", []string{"exit status 2", "the sum is odd"}},
		{"fork", "crashed", []string{"exit status 0"}},
		{"hang", "hung", []string{"hung", "1s"}},
		{"huge", "protocol", []string{"16 MiB"}},
		{"memory", "memory", []string{"cap of 150 MiB"}},
		{"child-memory", "memory", []string{"cap of 150 MiB"}},
		{"helper", "none", nil},
		{"nan", "none", nil},
	} {
		t.Run(c.fault, func(t *testing.T) {
			ownTemp(t)
			o := LaunchOptions{HungAfter: time.Second}
			if c.kind == "memory" {
				o.MaxMemory = 150 << 20
			}
			cl := launch(t, testplugins.Counter, o)
			in := input(t, map[string]any{"fault": c.fault})
			line := testplugins.NewLifeline(t, in.WorkDir)
			_, err := cl.Run(t.Context(), in, File{}, ignore)
			check(t, err, c.kind, c.want)
			if c.fault == "helper" && !line.Holds(t) {
				t.Error("the helper ended by itself: nothing is left for Close to end")
			}
			cl.Close()
			line.Ended(t)
		})
	}
}

func check(t *testing.T, err error, want string, words []string) {
	t.Helper()
	if kind(err) != want {
		t.Fatalf("want an error of kind %s, got %s: %v", want, kind(err), err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

func TestBrokenPlugins(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		want       []string
	}{
		{"ahead", "other", []string{"is refused", "needs plugin protocol 1.99 and this tunelab speaks 1.1: update tunelab"}},
		{"asleep", "hung", []string{"1s"}},
		{"exits", "crashed", []string{"exit status 3", "no licence found"}},
		{"misnamed", "protocol", []string{`"other"`, `"misnamed"`}},
		{"newer", "protocol", []string{"99"}},
		{"oversize", "protocol", []string{"16 MiB"}},
		{"prints", "protocol", []string{"hello from a library"}},
		{"schema", "protocol", []string{"another schema"}},
		{"stateless", "protocol", []string{`"tired"`}},
		{"unended", "protocol", []string{"without saying how"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ownTemp(t)
			o := LaunchOptions{Name: c.name}
			if c.name == "asleep" {
				o.StartIn = time.Second
			}
			cl, err := Launch(t.Context(), testplugins.Path(plugins, c.name), o)
			if err == nil {
				defer cl.Close()
				_, err = cl.Run(t.Context(), input(t, nil), File{}, ignore)
			}
			check(t, err, c.kind, c.want)
		})
	}
}

func TestFilesThatAreNoPlugins(t *testing.T) {
	for _, c := range []struct {
		name, text, kind string
		mode             os.FileMode
		want             []string
	}{
		{"text", "just a text\n", "protocol", 0o755, []string{"exec format error"}},
		{"not executable", "#!/bin/sh\n", "protocol", 0o644, []string{"permission denied"}},
		{"quiet script", "#!/bin/sh\nexit 0\n", "protocol", 0o755, []string{"without a word"}},
		{"script with a child", "#!/bin/sh\nsleep 1000 3>LIFELINE &\nexec 3>LIFELINE\necho usage: tool FILE\nwait\n", "protocol", 0o755, []string{"usage: tool FILE"}},
		{"failing script", "#!/bin/sh\necho no python here >&2\nexit 9\n", "crashed", 0o755, []string{"exit status 9", "no python here"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ownTemp(t)
			dir := t.TempDir()
			line := testplugins.NewLifeline(t, dir)
			path := filepath.Join(dir, "tunelab-plugin-tool")
			text := strings.ReplaceAll(c.text, "LIFELINE", filepath.Join(dir, "lifeline"))
			if err := os.WriteFile(path, []byte(text), c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := Launch(t.Context(), path, LaunchOptions{})
			check(t, err, c.kind, append(c.want, path))
			line.Ended(t)
		})
	}
	if _, err := Launch(t.Context(), filepath.Join(t.TempDir(), "none"), LaunchOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestCancelWhileItStarts(t *testing.T) {
	ownTemp(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Launch(ctx, testplugins.Path(plugins, "asleep"), LaunchOptions{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > testplugins.Deadline {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestCloseOfAPluginThatHangs(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{})
	if err := syscall.Kill(c.pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { c.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(testplugins.Deadline):
		t.Fatal("Close does not return")
	}
}

func TestEnvironmentHoldsNoSecret(t *testing.T) {
	ownTemp(t)
	t.Setenv("HF_TOKEN", "hf_secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "aws_secret")
	c := launch(t, testplugins.Counter, LaunchOptions{})
	in := input(t, nil)
	if _, err := c.Run(t.Context(), in, File{}, ignore); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(in.WorkDir, "given", "environ.json"))
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	if err := json.Unmarshal(raw, &env); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(env, func(s string) bool { return strings.HasPrefix(s, "PATH=") }) {
		t.Errorf("no PATH in %v", env)
	}
	allowed := []string{"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "GOMAXPROCS", "GODEBUG", "TUNELAB_PLUGIN"}
	for _, kv := range env {
		key, _, _ := strings.Cut(kv, "=")
		if !slices.Contains(allowed, key) && !strings.HasPrefix(key, "PLUGIN_") || strings.Contains(kv, "secret") {
			t.Errorf("the plugin was given %s", key)
		}
	}
}
