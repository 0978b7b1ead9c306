package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/trust"
)

func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// ownPlaces makes a home, a working folder and $TUNELAB_PLUGIN_DIR of this test's
// own, so that nothing of the machine is found.
func ownPlaces(t *testing.T) (env, project, user string) {
	t.Helper()
	env = t.TempDir()
	home, here := t.TempDir(), t.TempDir()
	t.Setenv("TUNELAB_PLUGIN_DIR", env)
	t.Setenv("TUNELAB_LOCK", "")
	t.Setenv("HOME", home)
	t.Chdir(here)
	return env, filepath.Join(here, ".tunelab", "plugins"), filepath.Join(home, ".tunelab", "plugins")
}

// same tells whether two paths are one file.
func same(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func TestFindTakesTheFirstPlace(t *testing.T) {
	env, project, user := ownPlaces(t)
	given := t.TempDir()
	here := "_p1.0_" + trust.Platform()
	touch(t, user, "tunelab-plugin-lora", "tunelab-plugin-head")
	touch(t, project, "tunelab-plugin-head")
	touch(t, env, "tunelab-plugin-icl", "readme.txt", "tunelab-plugin-sft_v0.9.0"+here, "tunelab-plugin-sft_v0.10.0"+here, "tunelab-plugin-sft_v1.0.0-rc.1_p1.0_plan9_mips", "tunelab-plugin-sft")
	if err := os.Mkdir(filepath.Join(env, "tunelab-plugin-cot"), 0o755); err != nil {
		t.Fatal(err)
	}
	touch(t, given, "tunelab-plugin-icl")
	for _, c := range []struct {
		name        string
		o           FindOptions
		want, place string
	}{
		{"lora", FindOptions{}, filepath.Join(user, "tunelab-plugin-lora"), PlaceUser},
		{"head", FindOptions{}, filepath.Join(project, "tunelab-plugin-head"), PlaceProject},
		{"icl", FindOptions{}, filepath.Join(env, "tunelab-plugin-icl"), PlaceEnv},
		{"icl", FindOptions{Dirs: []string{given}}, filepath.Join(given, "tunelab-plugin-icl"), PlaceGiven},
		{"sft", FindOptions{}, filepath.Join(env, "tunelab-plugin-sft_v0.10.0"+here), PlaceEnv},
		{"any", FindOptions{Path: filepath.Join(env, "readme.txt")}, filepath.Join(env, "readme.txt"), PlaceExplicit},
	} {
		c.o.Unlocked = true
		got, err := Find(c.name, c.o)
		if err != nil || !same(t, got.Path, c.want) || got.Place != c.place || got.State != Unlocked || !filepath.IsAbs(got.Path) {
			t.Errorf("%s: found %+v, %v; expected %q in %s", c.name, got, err, c.want, c.place)
		}
	}
	if _, err := Find("cot", FindOptions{}); err == nil || !strings.Contains(err.Error(), env) || !strings.Contains(err.Error(), `"cot"`) {
		t.Errorf("a folder of that name is no plugin: %v", err)
	}
	if _, err := Find("icl", FindOptions{Path: filepath.Join(env, "none")}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("an explicit path that is not there: %v", err)
	}
	all, err := List(FindOptions{Unlocked: true})
	var names []string
	for _, f := range all {
		names = append(names, f.Name)
	}
	if err != nil || strings.Join(names, " ") != "head icl lora sft" {
		t.Errorf("listed %v, %v", names, err)
	}
}

func TestFirstPartyNeedsNoLock(t *testing.T) {
	ownPlaces(t)
	dir := firstPartyDir()
	touch(t, dir, "tunelab-plugin-ours")
	t.Cleanup(func() { os.RemoveAll(dir) }) // beside the test binary
	path := filepath.Join(dir, "tunelab-plugin-ours")
	for _, o := range []FindOptions{{}, {Path: path}} {
		f, err := Find("ours", o)
		if err != nil || f.State != FirstParty || f.Place != PlaceFirstParty || f.Pinned() != "" {
			t.Errorf("%+v: %+v %v", o, f, err)
		}
	}
	link := filepath.Join(t.TempDir(), "tunelab-plugin-ours") // a copy elsewhere is not beside the program
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if f, err := Find("ours", FindOptions{Path: link}); err == nil {
		t.Errorf("a link elsewhere is taken: %+v", f)
	}
}

// A folder that somebody else made, with its plugins and a lock file that holds
// them, does not put its own in the place of a first-party one.
func TestFirstPartyIsNotShadowed(t *testing.T) {
	env, project, user := ownPlaces(t)
	dir := firstPartyDir()
	touch(t, dir, "tunelab-plugin-ours")
	t.Cleanup(func() { os.RemoveAll(dir) })
	touch(t, project, "tunelab-plugin-ours", "tunelab-plugin-theirs")
	touch(t, user, "tunelab-plugin-ours_v1.0.0_p1.0_"+trust.Platform())
	theirs := []string{filepath.Join(project, "tunelab-plugin-ours"), filepath.Join(user, "tunelab-plugin-ours_v1.0.0_p1.0_"+trust.Platform())}
	sum, err := FileSum(theirs[0])
	if err != nil {
		t.Fatal(err)
	}
	pin(t, "tunelab.lock", "ours", "1.0.0", trust.Platform(), sum)
	for _, o := range []FindOptions{{}, {Unlocked: true}} {
		f, err := Find("ours", o)
		if err != nil || f.State != FirstParty || len(f.Shadows) != 2 || !same(t, f.Shadows[0], theirs[0]) || !same(t, f.Shadows[1], theirs[1]) {
			t.Errorf("found %+v, %v", f, err)
		}
		all, err := List(o)
		if err != nil || len(all) != 4 {
			t.Fatalf("listed %+v, %v", all, err)
		}
		if all[0].State != FirstParty || all[1].State != Shadowed || all[1].Place != PlaceProject || all[2].State != Shadowed || all[2].Place != PlaceUser || all[2].Version != "1.0.0" || all[3].Name != "theirs" {
			t.Errorf("listed %+v", all)
		}
	}
	if f, err := Find("ours", FindOptions{Path: theirs[0]}); err != nil || f.State != Locked {
		t.Errorf("by its path: %+v, %v", f, err)
	}
	touch(t, env, "tunelab-plugin-ours")
	if f, err := Find("ours", FindOptions{}); err != nil || f.Place != PlaceEnv || len(f.Shadows) != 0 {
		t.Errorf("in $TUNELAB_PLUGIN_DIR: %+v, %v", f, err)
	}
}

// pin writes a lock with one entry.
func pin(t *testing.T, path, name, version, platform, sum string) {
	t.Helper()
	l, err := trust.ReadLock(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Put(trust.Entry{Name: name, Source: "a test", Version: version, Protocol: "1.0", SHA256: map[string]string{platform: sum}})
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyWhatTheLockHoldsIsFound(t *testing.T) {
	env, _, _ := ownPlaces(t)
	here := "_p1.0_" + trust.Platform()
	for _, v := range []string{"1.0.0", "1.1.0"} {
		if err := os.WriteFile(filepath.Join(env, "tunelab-plugin-ia3_v"+v+here), []byte(v), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	first := filepath.Join(env, "tunelab-plugin-ia3_v1.0.0"+here)
	sum, err := FileSum(first)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, o FindOptions, words ...string) {
		t.Helper()
		f, err := Find("ia3", o)
		var r *RefusedError
		if !errors.As(err, &r) {
			t.Fatalf("%s: %+v, %v", what, f, err)
		}
		for _, w := range append(words, "ia3", "tunelab plugins install", "--unlocked") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: the error does not say %q: %v", what, w, err)
			}
		}
		o.Unlocked = true
		if f, err := Find("ia3", o); err != nil || f.State != Unlocked || f.Pinned() != "" {
			t.Errorf("%s, overridden: %+v, %v", what, f, err)
		}
	}
	refused("no lock file", FindOptions{}, "no entry")
	refused("an explicit path", FindOptions{Path: first}, "no entry")
	pin(t, "tunelab.lock", "ia3", "1.0.0", "plan9_mips", sum)
	refused("a lock from another platform", FindOptions{}, "plan9_mips", trust.Platform())
	pin(t, "tunelab.lock", "ia3", "1.2.0", trust.Platform(), sum)
	refused("another version", FindOptions{}, "1.2.0", "1.1.0")
	pin(t, "tunelab.lock", "ia3", "1.0.0", trust.Platform(), strings.Repeat("0", 64))
	refused("another digest", FindOptions{}, sum, "changed")

	pin(t, "tunelab.lock", "ia3", "1.0.0", trust.Platform(), sum)
	for _, o := range []FindOptions{{}, {Unlocked: true}, {Path: first}} {
		f, err := Find("ia3", o)
		if err != nil || !same(t, f.Path, first) || f.State != Locked || f.Pinned() != sum || f.Version != "1.0.0" {
			t.Errorf("%+v: %+v, %v; the lock holds the lower version", o, f, err)
		}
	}
	pin(t, filepath.Join(env, "other.lock"), "ia3", "1.0.0", trust.Platform(), strings.Repeat("1", 64))
	refused("the lock file that is named", FindOptions{Lock: filepath.Join(env, "other.lock")}, "other.lock")
	t.Setenv("TUNELAB_LOCK", filepath.Join(env, "other.lock"))
	refused("the lock file of the environment", FindOptions{}, "other.lock")
	t.Setenv("TUNELAB_LOCK", "")
	if err := os.WriteFile("tunelab.lock", []byte("plugins: {"), 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := Find("ia3", FindOptions{Unlocked: true}); err == nil || !strings.Contains(err.Error(), "tunelab.lock") {
		t.Errorf("a lock file that cannot be read: %+v, %v", f, err)
	}
}

func TestNamesThatCannotRunHere(t *testing.T) {
	env, _, _ := ownPlaces(t)
	for _, c := range []struct{ file, want string }{
		{"tunelab-plugin-ia3_v1.0.0_p1.0_plan9_mips", "built for plan9_mips"},
		{"tunelab-plugin-ia3_v1.0.0_p2.0_" + trust.Platform(), "protocol 2.0"},
		{"tunelab-plugin-ia3_v1.0_p1.0_" + trust.Platform(), "semantic version"},
		{"tunelab-plugin-ia3_v1.0.0_" + trust.Platform(), "not of the form"},
	} {
		touch(t, env, c.file)
		path := filepath.Join(env, c.file)
		for _, o := range []FindOptions{{Unlocked: true}, {Unlocked: true, Path: path}} {
			var r *RefusedError
			if f, err := Find("ia3", o); !errors.As(err, &r) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("%s: %+v, %v", c.file, f, err)
			}
		}
		if l, err := List(FindOptions{Unlocked: true}); err != nil || len(l) != 1 || l[0].Name != "ia3" || l[0].Err == nil {
			t.Errorf("%s: listed %+v, %v", c.file, l, err)
		}
		os.Remove(path)
	}
}
