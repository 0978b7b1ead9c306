package lab

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/host"
	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/plugin/trust"
	"github.com/tunelab/tunelab/framework/run"
	"github.com/tunelab/tunelab/framework/spec"
	"github.com/tunelab/tunelab/tracking"
)

// bare is a bench whose lock file holds nothing.
func bare(t *testing.T, unlocked bool) (b *bench, warnings *[]string) {
	t.Helper()
	dir := t.TempDir()
	writeFixture(t, dir)
	t.Setenv("TUNELAB_PLUGIN_DIR", plugins)
	warnings = new([]string)
	l, err := Open(filepath.Join(dir, "state"), Options{Lock: filepath.Join(dir, "tunelab.lock"), Unlocked: unlocked, Warn: func(s string) { *warnings = append(*warnings, s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &bench{t: t, dir: dir, Lab: l}, warnings
}

func TestARunOfAPluginThatTheLockDoesNotHold(t *testing.T) {
	b, _ := bare(t, false)
	id, err := b.RunOne(t.Context(), b.one(nil))
	var r *host.RefusedError
	if id != "" || !errors.As(err, &r) || !strings.Contains(err.Error(), "tunelab plugins install") {
		t.Errorf("run %q: %v", id, err)
	}
	if rows := b.rows(tracking.RunFilter{}); len(rows) != 0 {
		t.Errorf("it is recorded: %+v", rows)
	}
	list, err := b.Plugins(t.Context())
	if err != nil || len(list) == 0 || list[0].State != "refused" || list[0].Method.Name != "" {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestUnlockedRunsAreMarked(t *testing.T) {
	b, warnings := bare(t, true)
	study := &Study{Name: "s", Model: filepath.Join(b.dir, "model"), Tasks: []string{filepath.Join(b.dir, "echo.yaml")}, Baselines: new(bool), Methods: []MethodEntry{{Name: testplugins.Counter}}}
	if err := b.RunStudy(t.Context(), study); err != nil {
		t.Fatal(err)
	}
	if len(*warnings) != 1 || !strings.Contains((*warnings)[0], testplugins.Counter) {
		t.Errorf("warned %q", *warnings)
	}
	row := b.rows(tracking.RunFilter{})[0]
	if !row.Unlocked || row.Status != tracking.Finished {
		t.Errorf("the row: %+v", row)
	}
	found := b.found(row.ID)
	if found.State != host.Unlocked || found.Place != host.PlaceEnv || found.SHA256 != row.Hashes["plugin"] {
		t.Errorf("the event: %+v", found)
	}
	rep, err := b.Report(t.Context(), "s")
	if err != nil || !strings.Contains(strings.Join(rep.Comparison.Notes, "\n"), "Unlocked: no lock file held the plugin binary of counter") {
		t.Errorf("the notes: %v, %v", rep, err)
	}
	r, err := b.Replay(t.Context(), row.ID)
	if err != nil || !r.Identical || len(r.Changed) > 0 {
		t.Errorf("replayed with the same binary: %+v, %v", r, err)
	}
	a, c := tracking.Run{Unlocked: true, Hashes: map[string]string{"plugin": "a"}}, tracking.Run{Hashes: map[string]string{"plugin": "b"}}
	if s := surroundings(a, c); len(s) != 1 || !strings.Contains(s[0], "unlocked") {
		t.Errorf("with another binary: %v", s)
	}
}

// found is what a run's event says of its plugin.
func (b *bench) found(id string) host.Found {
	b.t.Helper()
	var f host.Found
	events, err := b.Store.Events(b.t.Context(), id, tracking.EventFilter{Kind: "plugin"})
	if err != nil || len(events) != 1 {
		b.t.Fatalf("plugin events of %s: %v, %v", id, events, err)
	}
	if err := json.Unmarshal(events[0].Data, &f); err != nil {
		b.t.Fatal(err)
	}
	return f
}

func TestLockedRunsAreNotMarked(t *testing.T) {
	b := newBench(t)
	row := b.row(b.run(nil))
	if f := b.found(row.ID); row.Unlocked || f.State != host.Locked || f.SHA256 != row.Hashes["plugin"] {
		t.Errorf("unlocked %v, %+v", row.Unlocked, f)
	}
}

// A binary that is replaced between the check of a run and its launch.
func TestBinaryReplacedInARun(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	path := testplugins.Path(dir, testplugins.Counter)
	if err := os.Symlink(testplugins.Path(plugins, testplugins.Counter), path); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TUNELAB_PLUGIN_DIR", dir)
	b.watch = func(u run.Update) {
		if u.Phase != "estimate" {
			return
		}
		if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o755)); err != nil {
			t.Error(err)
		}
	}
	id, err := b.RunOne(t.Context(), b.one(nil))
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Failed, "is refused", "replaced")
	if _, err := b.RunOne(t.Context(), b.one(nil)); err == nil || !strings.Contains(err.Error(), "has changed since it was installed") {
		t.Errorf("the next run: %v", err)
	}
}

func TestLimitsStandInTheRow(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("limits are set on Linux only")
	}
	b := newBench(t)
	o := b.one(map[string]any{"fault": "files"})
	o.Budget.Limits = spec.Limits{OpenFiles: 40}
	id, err := b.RunOne(t.Context(), o)
	if err == nil {
		t.Fatal("it finished")
	}
	b.ended(id, tracking.Failed, "budget.limits.open_files", "40")
}

func TestPluginDocs(t *testing.T) {
	m := spec.Method{Name: "ia3", Version: "1.0.0", Summary: "scales | activations", Family: "peft", Citation: "Liu et al. 2022", Tasks: []string{"generation"}, Modes: []string{"generate"}, Trains: true, Resume: true, Protocols: []int{1}}
	s := spec.Schema{Params: []spec.Param{
		{Name: "rate", Type: "float", Default: 0.5, Min: spec.At(0), Max: spec.At(1), Unit: "1/step", Description: "step size", Source: "Liu et al. 2022, section 3"},
		{Name: "mode", Type: "string", Default: "", Choices: []string{"a", "b"}, Description: "which"},
	}}
	list := []Plugin{{Name: "bad", Error: "broken"}, {Name: "ia3", Path: "/somewhere", SHA256: "abc", Method: m, Schema: s}}
	pages := PluginDocs(list)
	page, index := string(pages["ia3.md"]), string(pages["index.md"])
	for _, w := range []string{"Liu et al. 2022", "| `rate` | float | 0 to 1 | 1/step | `0.5` | step size | Liu et al. 2022, section 3 |", `a \| b`, "resumes from a checkpoint | yes"} {
		if !strings.Contains(page, w) {
			t.Errorf("the page lacks %q:\n%s", w, page)
		}
	}
	if !strings.Contains(index, "[ia3](ia3.md)") || !strings.Contains(index, `scales \| activations`) || !strings.Contains(index, "bad") || len(pages) != 2 {
		t.Errorf("%d pages, the index:\n%s", len(pages), index)
	}
	if strings.Contains(page+index, "/somewhere") || strings.Contains(page+index, "abc") {
		t.Error("a page depends on where the plugin lies")
	}
	dir := filepath.Join(t.TempDir(), "docs")
	if err := WritePluginDocs(list, dir); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "ia3.md")); err != nil || string(raw) != page {
		t.Errorf("written %q, %v", raw, err)
	}
}

// Looking at what there is starts nothing of others; asking for it does.
func TestListStartsNothingOfOthers(t *testing.T) {
	b, _ := bare(t, true)
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	for _, name := range []string{"tunelab-plugin-a", "tunelab-plugin-b_v1.2.0_p1.0_" + trust.Platform()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho x >> "+ran+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TUNELAB_PLUGIN_DIR", dir)
	list, err := b.Plugins(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[0].State != host.Unlocked || list[0].Error != "" || list[1].Version != "1.2.0" {
		t.Errorf("listed %+v, %v", list, err)
	}
	if list, err := b.DescribePlugins(t.Context(), false); err != nil || len(list) != 0 {
		t.Errorf("described %+v, %v", list, err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a plugin was started")
	}
	for _, c := range []struct {
		all   bool
		names []string
		want  int
	}{{true, nil, 2}, {false, []string{"b"}, 1}} {
		list, err := b.DescribePlugins(t.Context(), c.all, c.names...)
		raw, readErr := os.ReadFile(ran)
		if err != nil || len(list) != c.want || list[0].Error == "" || readErr != nil || strings.Count(string(raw), "x") != c.want {
			t.Errorf("%+v: described %+v, %v; started %q", c, list, err, raw)
		}
		os.Remove(ran)
	}
	if _, err := b.DescribePlugins(t.Context(), false, "none"); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("a method that is not there: %v", err)
	}
}

// A plugin in the working folder with the name of one of tunelab's own is told
// of, not used.
func TestShadowedPluginIsToldOf(t *testing.T) {
	b, warnings := bare(t, false)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(filepath.Dir(exe), "plugins")
	t.Cleanup(func() { os.RemoveAll(ours) })
	t.Setenv("TUNELAB_PLUGIN_DIR", "")
	t.Setenv("HOME", t.TempDir())
	t.Chdir(t.TempDir())
	theirs := filepath.Join(".tunelab", "plugins")
	for _, dir := range []string{ours, theirs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(testplugins.Path(plugins, testplugins.Counter), testplugins.Path(ours, testplugins.Counter)); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	if err := os.WriteFile(testplugins.Path(theirs, testplugins.Counter), []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	row := b.row(b.run(nil))
	if f := b.found(row.ID); f.State != host.FirstParty || len(f.Shadows) != 1 {
		t.Errorf("the event: %+v", f)
	}
	if len(*warnings) != 1 || !strings.Contains((*warnings)[0], "is not used") {
		t.Errorf("warned %q", *warnings)
	}
	list, err := b.Plugins(t.Context())
	if err != nil || len(list) != 2 || list[0].Method.Name != testplugins.Counter || list[1].State != Shadowed || list[1].Method.Name != "" {
		t.Errorf("listed %+v, %v", list, err)
	}
	if pages := PluginDocs(list); len(pages) != 2 || strings.Contains(string(pages["index.md"]), "not usable") {
		t.Errorf("pages %v", sortedKeys(pages))
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the shadowed plugin was started")
	}
}
